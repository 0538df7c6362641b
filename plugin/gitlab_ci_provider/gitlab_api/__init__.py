"""A client of GitLab's API: patient, polite, and it never shows a token."""

"""What GitLab reports by webhooks: checked, stored, and turned into syncs and runs."""

"""One try of a job: its pod, its log, its end."""

"""Moa, the expression language of `${{ }}`: GitLab evaluates it when a job runs. Pure."""

"""The gitlab-dags command."""

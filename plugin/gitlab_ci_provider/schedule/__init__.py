"""GitLab's scheduling: which job runs next, and why not. Pure; Airflow only asks."""

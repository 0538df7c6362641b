"""GitLab CI pipelines as Airflow DAGs, one Kubernetes pod a job."""

__version__ = "0.1.0"

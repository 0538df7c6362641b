"""What Airflow reads about this provider."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata (entry point `apache_airflow_provider`)."""
    return {
        "package-name": "airflow-provider-gitlab-ci",
        "name": "GitLab CI",
        "description": "GitLab CI pipelines as Airflow DAGs, one Kubernetes pod a job.",
    }

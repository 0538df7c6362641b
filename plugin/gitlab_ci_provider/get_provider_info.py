"""What Airflow reads about this provider: its name and the options of `[gitlab_ci]`."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from gitlab_ci_provider.settings import SECTION, Settings

_TYPES = {"int": "integer", "bool": "boolean"}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata (entry point `apache_airflow_provider`)."""
    options = {option.name: _option(option) for option in fields(Settings)}
    return {
        "package-name": "airflow-provider-gitlab-ci",
        "name": "GitLab CI",
        "description": "GitLab CI pipelines as Airflow DAGs, one Kubernetes pod per job.",
        "extra-links": [
            "gitlab_ci_provider.operators.links.DownstreamLink",
            "gitlab_ci_provider.operators.links.UpstreamLink",
        ],
        "executors": ["gitlab_ci_provider.executors.local.WarmLocalExecutor"],
        "config": {
            SECTION: {"description": "How GitLab CI pipelines are run.", "options": options}
        },
    }


def _option(option: Field[Any]) -> dict[str, Any]:
    unset = option.default in {MISSING, None, ""}
    return {
        "description": option.metadata["description"],
        "type": _TYPES.get(str(option.type), "string"),
        "default": None if unset else str(option.default),
        "example": None,
        "version_added": "0.1.0",
    }

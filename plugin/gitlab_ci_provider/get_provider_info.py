"""What Airflow reads about this provider: its name and the options of `[gitlab_ci]`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from typing import Any

from gitlab_ci_provider.connection_types import GITLAB, OBJECT_STORE
from gitlab_ci_provider.settings import SECTION, Settings

_NAME = "GitLab CI"
_PACKAGE = "gitlab_ci_provider"
_OPERATORS = (
    *("artifact_prune", "image_build", "job_pod", "prune_image_cache", "reap", "send_reports"),
    "stored_files",
)
"""Modules of operators for hand-written DAGs; the others run the jobs of a pipeline."""
_TRIGGERS = ("runs.bridge.trigger", "runs.job.trigger", "runs.resource_group.trigger")

_HOOKS = ("gitlab", "object_store_hook")
"""Modules of hooks; the others are for this package itself."""

_BUNDLES = ("gitlab", "state")
"""Modules of DAG bundles."""

_TYPES = {"int": "integer", "bool": "boolean"}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata (entry point `apache_airflow_provider`)."""
    options = {option.name: _option(option) for option in fields(Settings)}
    return {
        "package-name": "airflow-provider-gitlab-ci",
        "name": _NAME,
        "description": "GitLab CI pipelines as Airflow DAGs, one Kubernetes pod per job.",
        "integrations": [
            {
                "integration-name": _NAME,
                "external-doc-url": "https://docs.gitlab.com/ci/yaml/",
                "tags": ["software"],
            }
        ],
        "operators": _listed(f"operators.{module}" for module in _OPERATORS),
        "triggers": _listed(_TRIGGERS),
        "hooks": _listed(f"hooks.{module}" for module in _HOOKS),
        "bundles": _listed(f"bundles.{module}" for module in _BUNDLES),
        "connection-types": [GITLAB, OBJECT_STORE],
        "extra-links": [
            "gitlab_ci_provider.operators.links.DownstreamLink",
            "gitlab_ci_provider.operators.links.UpstreamLink",
        ],
        "executors": ["gitlab_ci_provider.executors.local.WarmLocalExecutor"],
        "cli": ["gitlab_ci_provider.get_provider_info.airflow_commands"],
        "config": {
            SECTION: {"description": "How GitLab CI pipelines are run.", "options": options}
        },
    }


def airflow_commands() -> list[Any]:
    """Add no commands to `airflow`: ours is `gitlab-dags`.

    Each `airflow` command warns of a provider that has an executor and does not say so.
    """
    return []


def _listed(modules: Iterable[str]) -> list[dict[str, Any]]:
    names = [f"{_PACKAGE}.{module}" for module in modules]
    return [{"integration-name": _NAME, "python-modules": names}]


def _option(option: Field[Any]) -> dict[str, Any]:
    unset = option.default in {MISSING, None, ""}
    return {
        "description": option.metadata["description"],
        "type": _TYPES.get(str(option.type), "string"),
        "default": None if unset else str(option.default),
        "example": None,
        "version_added": "0.1.0",
    }

"""What Airflow reads about this provider: its name and the options of `[gitlab_ci]`."""

from __future__ import annotations

from typing import Any

_OPTIONS: dict[str, tuple[str, str, str]] = {
    # Each option with its type, its default and its meaning.
    "home": ("string", "", "Folder of snapshots and git mirrors; default $AIRFLOW_HOME/gitlab_ci."),
    "kubernetes_conn_id": ("string", "gitlab_ci_kubernetes", "Connection: where pods run."),
    "namespace": ("string", "", "Namespace of the pods; empty leaves it to the connection."),
    "object_store_conn_id": (
        "string",
        "gitlab_ci_object_store",
        "Connection: where caches and artifacts go.",
    ),
    "helper_image": ("string", "", "Image that holds gitlab-ci-helper."),
    "default_image": ("string", "debian:12", "Image for jobs without `image:`."),
    "git_conn_ids": (
        "string",
        "gitlab_ci_git",
        "Connections: logins of git servers, separated by commas.",
    ),
    "include_hosts": (
        "string",
        "",
        "Hosts that include:remote and include:template may ask: patterns, separated by commas.",
    ),
    "job_logs_folder": ("string", "", "Keep each job's log here as it was written."),
    "default_timeout": ("integer", "3600", "Seconds, for jobs without `timeout:`."),
    "artifacts_expire_in": (
        "integer",
        "2592000",
        "Seconds, for artifacts without `expire_in:`; 0 keeps them.",
    ),
    "dag_files": ("string", "", "Folder for one DAG file a DAG; empty: gitlab_ci.py shows all."),
    "child_dag_timeout": (
        "integer",
        "600",
        "Seconds until Airflow must have read the DAG of a child pipeline.",
    ),
    "child_dags_expire_in": (
        "integer",
        "2592000",
        "Seconds for which the DAGs of generated child pipelines stay without being used.",
    ),
    "interrupted_retries": (
        "integer",
        "0",
        "How often an evicted or lost pod is tried again without using up `retry`.",
    ),
    "archive_max_size": (
        "integer",
        "20000000000",
        "Bytes that may come out of one cache or artifact archive.",
    ),
    "archive_max_entries": (
        "integer",
        "2000000",
        "Files, folders and links that may come out of one cache or artifact archive.",
    ),
    "archive_max_ratio": (
        "integer",
        "200",
        "How many times its own size may come out of an archive, beyond 100 MB.",
    ),
    "always_ask": ("boolean", "False", "Show a form for variables when a manual job is played."),
    "protected_branches": (
        "string",
        "",
        "Protected branches besides the default branch: patterns with `*`, joined with commas.",
    ),
    "protected_tags": ("string", "", "Protected tags: patterns with `*`, joined with commas."),
    "pod_start_timeout": ("integer", "600", "Seconds until a pod that does not start failed."),
    "kubernetes_outage": (
        "integer",
        "600",
        "Seconds for which Kubernetes' API may be away before a job fails for it.",
    ),
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata (entry point `apache_airflow_provider`)."""
    options = {name: _option(*given) for name, given in _OPTIONS.items()}
    return {
        "package-name": "airflow-provider-gitlab-ci",
        "name": "GitLab CI",
        "description": "GitLab CI pipelines as Airflow DAGs, one Kubernetes pod a job.",
        "extra-links": [
            "gitlab_ci_provider.operators.links.DownstreamLink",
            "gitlab_ci_provider.operators.links.UpstreamLink",
        ],
        "config": {
            "gitlab_ci": {"description": "How GitLab CI pipelines are run.", "options": options}
        },
    }


def _option(kind: str, default: str, meaning: str) -> dict[str, Any]:
    return {
        "description": meaning,
        "type": kind,
        "default": default or None,
        "example": None,
        "version_added": "0.1.0",
    }

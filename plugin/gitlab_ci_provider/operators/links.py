"""Links in the Airflow UI: between pipelines, and to where a job has deployed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.sdk import BaseOperatorLink

from gitlab_ci_provider.model import xcom_keys


class DownstreamLink(BaseOperatorLink):
    """From a bridge to the pipeline that it created."""

    name = "Downstream pipeline"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address that the task has found; empty before it has."""
        return str(getattr(operator, "downstream_url", ""))


class UpstreamLink(BaseOperatorLink):
    """From `create_pipeline` to the bridge that asked for the pipeline."""

    name = "Upstream pipeline"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address that the task has found; empty when nothing is upstream."""
        return str(getattr(operator, "upstream_url", ""))


class EnvironmentLink(BaseOperatorLink):
    """Button of a deployment's task that opens the environment."""

    name = "Environment"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Find the URL in the job's result; called by the worker once the task has ended."""
        result = ti_key.xcom_pull(task_ids=operator.task_id, key=xcom_keys.JOB_RESULT) or {}
        url = (result.get("environment") or {}).get("url") or ""
        # The URL is the user's text, and a click must not run it.
        return url if urlsplit(url).scheme in {"http", "https"} else ""

"""Links between pipelines in the Airflow UI."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink


class DownstreamLink(BaseOperatorLink):
    """From a bridge to the pipeline that it created."""

    name = "Downstream pipeline"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Give the address that the task has found; empty before it has."""
        return str(getattr(operator, "downstream_url", ""))


class UpstreamLink(BaseOperatorLink):
    """From `create_pipeline` to the bridge that asked for the pipeline."""

    name = "Upstream pipeline"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Give the address that the task has found; empty when nothing is upstream."""
        return str(getattr(operator, "upstream_url", ""))

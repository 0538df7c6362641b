"""Find the pipelines of a project in an Airflow: its DAGs, and the newest run of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.exceptions import AirflowApiError
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, belongs_to

_TAG = "gitlab-ci"
_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineKey:
    """Where a pipeline runs."""

    dag: str
    run: str


def pipeline_dags(api: AirflowApi) -> list[str]:
    """List the DAGs of projects and of their refs, without those of child pipelines."""
    found = api.list_all("/dags", "dags", tags=[_TAG], order_by="dag_id")
    return [dag["dag_id"] for dag in found if "..." not in dag["dag_id"]]


def newest_run(api: AirflowApi, owner: str, ref: str = "") -> PipelineKey | None:
    """Find the newest pipeline of a project, or of one of its refs.

    Args:
        api: of the Airflow.
        owner: the project's DAG.
        ref: a branch or tag; empty for any.
    """
    dags = [dag for dag in pipeline_dags(api) if dag == owner or belongs_to(dag, owner)]
    offset = 0
    while dags:
        body = {
            "dag_ids": dags,
            "order_by": "-run_after",
            "page_limit": _PAGE,
            "page_offset": offset,
        }
        page = api.request("POST", "/dags/~/dagRuns/list", json=body)
        for run in page["dag_runs"]:
            if not ref or _ref(api, run) == ref:
                return PipelineKey(dag=run["dag_id"], run=run["dag_run_id"])
        offset += len(page["dag_runs"])
        if not page["dag_runs"] or offset >= page["total_entries"]:
            break
    return None


def numbered_run(api: AirflowApi, number: int) -> PipelineKey:
    """Find a pipeline by CI_PIPELINE_ID, which the pipeline page of the Airflow knows.

    Raises:
        AirflowApiError: there is none that the user may see.
    """
    found = api.get(f"/gitlab-ci/pipelines/{number}")
    return PipelineKey(dag=found["dag"], run=found["run"])


def followed(api: AirflowApi, key: PipelineKey) -> PipelineKey:
    """Return where a pipeline went on, if its DAG did not fit its commit."""
    moved = api.xcom(key.dag, key.run, CREATE_PIPELINE, xcom_keys.MOVED_TO)
    return followed(api, PipelineKey(dag=moved["dag"], run=moved["run"])) if moved else key


def run_of(api: AirflowApi, key: PipelineKey) -> Mapping[str, Any]:
    """Read a run.

    Raises:
        AirflowApiError: there is none of that id.
    """
    try:
        found: Mapping[str, Any] = api.request("GET", f"/dags/{key.dag}/dagRuns/{key.run}")
    except AirflowApiError as problem:
        if problem.status != 404:
            raise
        message = f"there is no pipeline '{key.run}' in the DAG {key.dag}"
        raise AirflowApiError(message, problem.status) from problem
    return found


def _ref(api: AirflowApi, run: Mapping[str, Any]) -> str:
    """Read what a run is for: from what was asked, else from the pipeline that was created."""
    asked = str((run.get("conf") or {}).get("ref") or "")
    if not asked:
        made = api.xcom(run["dag_id"], run["dag_run_id"], CREATE_PIPELINE, xcom_keys.PIPELINE)
        asked = str(((made or {}).get("ref") or {}).get("name") or "")
    return asked.removeprefix("refs/heads/").removeprefix("refs/tags/")

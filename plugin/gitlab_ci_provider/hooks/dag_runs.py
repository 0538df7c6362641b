"""Runs of other DAGs, as a running task starts and reads them, without credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Context

from gitlab_ci_provider.airflow_internals import tasks
from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE
from gitlab_ci_provider.model.run import JobResult, PipelineRun
from gitlab_ci_provider.model.run_address import page_path
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKey:
    """A run of a DAG."""

    dag: str
    run: str

    def url(self, context: Context, task: str = "") -> str:
        """Build the address of its page, or of one of its jobs, from that of this task."""
        base = (context["ti"].log_url or "").split("/dags/")[0]
        return f"{base}/{page_path(self.dag, self.run, task)}"


def start_run(key: RunKey, shape: str, conf: Mapping[str, Any], note: str) -> bool:
    """Start a run, or find it; False when Airflow has not read the DAG with these jobs (yet).

    A run that starts before has the jobs that the DAG had, for ever where bundles have versions.

    Args:
        key: of the run, which holds its DAG.
        shape: the tag of a DAG that has its jobs.
        conf: of the run.
        note: of the run.

    Raises:
        SystemFailure: Airflow refuses; the message is Airflow's.
    """
    if shape not in tasks.dag_tags(key.dag):
        return False
    try:
        return tasks.start_dag_run(key.dag, key.run, conf, note)
    except tasks.AirflowRuntimeError as problem:
        words = f"Airflow does not start {key.dag}: {problem.error.detail}"
        raise SystemFailure(
            words, reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED
        ) from problem


def pipeline_of(context: Context, key: RunKey) -> PipelineRun | None:
    """Read what the run's `create_pipeline` decided; None when it has not done so."""
    value = _pull(context, key, CREATE_PIPELINE, xcom_keys.PIPELINE)
    return None if value is None else convert(value, PipelineRun)


def end_of(context: Context, key: RunKey) -> PipelineResult | None:
    """Read how the pipeline ended; None when it was stopped before its end."""
    value = _pull(context, key, FINISH_PIPELINE, xcom_keys.PIPELINE_RESULT)
    return None if value is None else convert(value, PipelineResult)


def result_of(context: Context, key: RunKey, task: str) -> JobResult | None:
    """Read how a job of the run ended; None when it left no result."""
    value = _pull(context, key, task, xcom_keys.JOB_RESULT)
    return None if value is None else convert(value, JobResult)


def _pull(context: Context, key: RunKey, task: str, name: str) -> Any:
    return context["ti"].xcom_pull(dag_id=key.dag, run_id=key.run, task_ids=task, key=name)

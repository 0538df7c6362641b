"""The DAG that keeps the cluster and the object store tidy, for installations that want one."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from gitlab_ci_provider.operators.artifact_prune import ArtifactPruneOperator
from gitlab_ci_provider.operators.reap import ReapOperator
from gitlab_ci_provider.operators.send_reports import SendReportsOperator
from gitlab_ci_provider.operators.stop_environments import StopEnvironmentsOperator


def maintenance_dag(schedule: str | None = "@hourly") -> DAG:
    """Make the DAG.

    Args:
        schedule: when it runs; None leaves that to people.
    """
    with DAG(
        dag_id="gitlab_ci_maintenance",
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        default_args={"retries": 1, "retry_delay": timedelta(minutes=1)},
        tags=["gitlab-ci"],
        doc_md="Deletes pods that jobs have left: those of tasks that have ended and of runs that "
        "no longer exist, as `gitlab-dags reap --delete` does; and artifacts and caches whose time "
        "is over, as `gitlab-dags prune --delete` does. Tells GitLab what it was not told yet of "
        "pipelines that have ended. Stops environments whose `auto_stop_in` is over.",
    ) as dag:
        ReapOperator(task_id="reap")
        ArtifactPruneOperator(task_id="prune")
        SendReportsOperator(task_id="report")
        StopEnvironmentsOperator(task_id="stop")
    return dag

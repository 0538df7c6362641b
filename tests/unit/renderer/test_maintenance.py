"""The DAG that deletes what jobs have left, and sends what GitLab was not told."""

from __future__ import annotations

from gitlab_ci_provider.operators.artifact_prune import ArtifactPruneOperator
from gitlab_ci_provider.operators.reap import ReapOperator
from gitlab_ci_provider.operators.send_reports import SendReportsOperator
from gitlab_ci_provider.operators.stop_environments import StopEnvironmentsOperator
from gitlab_ci_provider.renderer.maintenance import maintenance_dag


def test_it_runs_hourly_and_never_twice_at_once():
    """Runs that were missed are not made up for."""
    dag = maintenance_dag()

    assert str(dag.schedule) == "@hourly"
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert isinstance(dag.task_dict["reap"], ReapOperator)
    assert isinstance(dag.task_dict["prune"], ArtifactPruneOperator)
    assert isinstance(dag.task_dict["report"], SendReportsOperator)
    assert isinstance(dag.task_dict["stop"], StopEnvironmentsOperator)

"""The operator that deletes the pods that jobs have left."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk import BaseOperator, Context

from gitlab_ci_provider.airflow_internals.tasks import run_state, task_states
from gitlab_ci_provider.hooks.kubernetes import connect_to
from gitlab_ci_provider.hooks.runners import load_runners, places
from gitlab_ci_provider.runs.context import open_task
from gitlab_ci_provider.runs.reap import delete, find_leftovers
from gitlab_ci_provider.runs.task_errors import TaskFailed


class ReapOperator(BaseOperator):
    """Deletes pods of this installation whose tasks have ended, or whose runs no longer exist."""

    template_fields = ()
    ui_color = "#e8e2f5"

    def execute(self, context: Context) -> list[str]:
        """Delete them; returns their names.

        Raises:
            TaskFailed: Kubernetes refuses to delete one.
        """
        task = open_task(context)
        installation = task.state.installation.name()
        reaped: list[str] = []
        failed: list[str] = []
        for connection, namespace in places(load_runners(task.settings)):
            client, place = connect_to(connection, namespace, task.settings.kubernetes_outage)
            for pod in find_leftovers(client, place, installation, _states):
                self.log.info("deleting %s %s of %s: %s", pod.kind, pod.name, pod.job, pod.why)
                if problem := delete(client, pod):
                    failed.append(f"{pod.name}: {problem}")
                else:
                    reaped.append(pod.name)
        self.log.info("%d objects were left by their jobs", len(reaped) + len(failed))
        if failed:
            raise TaskFailed("; ".join(failed))
        return reaped


def _states(dag: str, run: str) -> Mapping[str, str | None] | None:
    return None if run_state(dag, run) is None else task_states(dag, run)

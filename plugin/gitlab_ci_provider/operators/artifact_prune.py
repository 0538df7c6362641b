"""The operator that deletes artifacts and caches whose time is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from gitlab_ci_provider.airflow_internals.tasks import run_is_open
from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.hooks.object_store import object_shelf
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.retention.guard import Guard
from gitlab_ci_provider.retention.inventory import ARTIFACTS, CACHES
from gitlab_ci_provider.retention.policy import Verdict
from gitlab_ci_provider.retention.prune import KEPT, Pruning
from gitlab_ci_provider.runs.context import TaskContext, open_task
from gitlab_ci_provider.runs.task_errors import TaskFailed, TaskFailedForNow
from gitlab_ci_provider.storage.keys import artifacts_folder, caches_folder


class ArtifactPruneOperator(BaseOperator):
    """Deletes artifacts that have expired, and caches that no job has used for long.

    Running pipelines, what a job was started with in the last day, and the latest successful
    pipeline of each ref are left alone. Times and sizes are those of `[gitlab_ci]`. Returns
    `{"deleted": {kind: number}, "bytes": number, "kept": {reason: number}}`. If not for one
    project, it also deletes what is left over in the state: the kind `pipeline of the state`.

    Args:
        project: only of this project, `group/project`; empty means all.
        object_store_conn_id: connection of the object store; empty means that of `[gitlab_ci]`.
        dry_run: only list what would be deleted.
    """

    template_fields = ("project", "object_store_conn_id")
    ui_color = "#e8e2f5"

    def __init__(
        self,
        *,
        project: str = "",
        object_store_conn_id: str = "",
        dry_run: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.project = project
        self.object_store_conn_id = object_store_conn_id
        self.only_list = dry_run

    def execute(self, context: Context) -> dict[str, Any]:
        """Delete them.

        Raises:
            TaskFailed: an object could not be deleted.
            TaskFailedForNow: the object store failed.
            AirflowSkipException: there is none, or its keys may not list objects.
        """
        task = open_task(context)
        try:
            pruning = self._pruning(task)
            survey = pruning.survey()
            ended = survey if self.only_list else pruning.carry_out(survey)
            left = self._leftovers(task)
        except GitlabCiError as problem:
            if "AccessDenied" in str(problem):
                message = f"{problem}: the keys need s3:ListBucket and s3:DeleteObject"
                raise AirflowSkipException(message) from problem
            raise TaskFailedForNow(str(problem)) from problem
        told = self._told(ended)
        if left:
            told["deleted"]["pipeline of the state"] = len(left)
        return told

    def _leftovers(self, task: TaskContext) -> list[str]:
        """Delete what is left over in the state; returns the digests of pipelines."""
        if self.project:
            return []
        left = task.state.leftovers
        return left.due() if self.only_list else left.prune()

    def _pruning(self, task: TaskContext) -> Pruning:
        conn_id = self.object_store_conn_id or task.settings.object_store_conn_id
        shelf = object_shelf(conn_id)
        if shelf is None:
            raise AirflowSkipException(f"there is no connection '{conn_id}'")
        policy = task.settings.retention
        places = (CACHES, ARTIFACTS)
        if self.project:
            known = task.state.snapshots.find_dag(dag_id(self.project))
            project = known.project if known else Project(path=self.project, clone_url="")
            places = (caches_folder(project), artifacts_folder(project))
        return Pruning(
            shelf=shelf,
            uses=task.state.uses,
            guard=Guard(task.state.register, run_is_open, policy),
            policy=policy,
            clock=task.state.snapshots.clock,
            cache_prefix=places[0],
            artifacts_prefix=places[1],
        )

    def _told(self, ended: Sequence[Verdict]) -> dict[str, Any]:
        gone = [verdict for verdict in ended if verdict.reason not in KEPT]
        for verdict in gone:
            item = verdict.item
            words = f"{item.kind} {item.project} {item.pipeline or ''} {item.job}"
            self.log.info("%s: %s, %d bytes %s", words, verdict.reason, item.size, verdict.problem)
        failed = [
            f"{verdict.item.keys[0]}: {verdict.problem}" for verdict in gone if verdict.problem
        ]
        if failed:
            raise TaskFailed("; ".join(failed[:10]))
        return {
            "deleted": dict(Counter(verdict.item.kind for verdict in gone)),
            "bytes": sum(verdict.item.size for verdict in gone),
            "kept": dict(Counter(str(found.reason) for found in ended if found.reason in KEPT)),
        }

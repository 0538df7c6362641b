"""The operator of hand-written DAGs whose pod has caches, artifacts and services as a job has."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import Context
from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import ConfigError, GitlabCiError
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.model.workspace import BUILD_CONTAINER
from gitlab_ci_provider.operators.followed_pod import FollowedPodOperator
from gitlab_ci_provider.operators.outlets import tell_assets
from gitlab_ci_provider.operators.task_parts import (
    TaskArtifacts,
    TaskCache,
    TaskService,
    as_keyword,
)
from gitlab_ci_provider.planner.plan_request import RunnerWish
from gitlab_ci_provider.runs.context import TaskContext, open_task
from gitlab_ci_provider.runs.job.execute import run_pod
from gitlab_ci_provider.runs.job.handover import Handover, unpack
from gitlab_ci_provider.runs.job.taken_back import own_pod
from gitlab_ci_provider.runs.task.task_job import TaskJob
from gitlab_ci_provider.runs.task.task_run import task_run
from gitlab_ci_provider.runs.task_errors import TaskFailed
from gitlab_ci_provider.settings import Waiting

NOT_TAKEN: Mapping[str, str] = {
    "name": "the pod's name comes from the DAG, the task and its try",
    "base_container_name": "the containers have the names of a job's",
    "random_name_suffix": "the pod's name comes from the DAG, the task and its try",
    "full_pod_spec": "the pod is that of a job; use a runner's `pod_patches`",
    "pod_template_file": "the pod is that of a job; use a runner's `pod_patches`",
    "pod_template_dict": "the pod is that of a job; use a runner's `pod_patches`",
    "active_deadline_seconds": "use execution_timeout",
    "on_finish_action": "the pod is always deleted; what it knew of a failure is in the task's log",
    "on_kill_action": "the pod of a task that is stopped is deleted, so that nothing runs on",
    "get_logs": "the log is always shown",
    "container_logs": "the logs of the task and of its phases are shown",
    "init_container_logs": "the logs of the task and of its phases are shown",
    "callbacks": "the pod is not followed by KubernetesPodOperator",
}
"""Parameters of `KubernetesPodOperator` that cannot be honoured, and why."""


class GitlabJobPodOperator(FollowedPodOperator):
    """Runs a script in a pod with caches, artifacts and services, as a GitLab job has them.

    A `KubernetesPodOperator`: its parameters say where the pod runs and what its container
    `build` gets. Returns `{"object_key", "name", "files", "size", "sha256"}` of its artifacts, as
    `ArtifactUploadOperator` does, and None if it has left none; assets in `outlets` get that, too.

    The pod has two more containers, which restore, download, save and upload. It works in an empty
    folder, CI_PROJECT_DIR, with the shell of the image.

    Args:
        image: of the script; empty means that of the runner.
        script: commands, as in `script:`. It is no template: use `env_vars` for values.
        cmds, arguments: a program and its arguments instead of a script; templates.
        env_vars: variables of the script and the services; `$NAME` in keys, paths and images of
            services means them.
        cache: one or up to four, `TaskCache` or as in `.gitlab-ci.yml`.
        cache_scope: tasks with the same scope share caches; empty means those of this DAG.
        artifacts: `TaskArtifacts`, or as in `.gitlab-ci.yml`.
        services: images, `TaskService`, or as in `.gitlab-ci.yml`.
        from_task_ids: tasks of this run whose artifacts are unpacked first, in this order.
        runner: its name; empty means the first one that takes `runner_tags`.
        runner_tags: as `tags:` of a job. (`tags` are those of the DAG.)
        object_store_conn_id: connection of the object store; empty means that of `[gitlab_ci]`.
        deferrable: whether the triggerer waits for the pod; None means `[gitlab_ci] waiting`.
        execution_timeout: also ends the pod; None means `[gitlab_ci] default_timeout`.
    """

    template_fields = (
        *(
            field
            for field in KubernetesPodOperator.template_fields
            if field not in {*NOT_TAKEN, "trigger_kwargs"}
        ),
        *("cache", "cache_scope", "artifacts", "services", "from_task_ids", "runner"),
        *("runner_tags", "object_store_conn_id"),
    )
    template_ext = ()
    """Otherwise `paths=["report.json"]` would be the content of a file next to the DAG."""
    ui_color = "#fdf1e3"

    def __init__(  # noqa: PLR0913 - each option has its name, as in every operator
        self,
        *,
        script: str | Sequence[str] = (),
        cache: TaskCache | Mapping[str, Any] | Sequence[TaskCache | Mapping[str, Any]] = (),
        cache_scope: str = "",
        artifacts: TaskArtifacts | Mapping[str, Any] | None = None,
        services: Sequence[TaskService | Mapping[str, Any] | str] = (),
        from_task_ids: Sequence[str] = (),
        runner: str = "",
        runner_tags: Sequence[str] = (),
        object_store_conn_id: str = "",
        deferrable: bool | None = None,
        do_xcom_push: bool = True,
        **kwargs: Any,
    ):
        self.not_taken = tuple(sorted(NOT_TAKEN.keys() & kwargs.keys()))
        own = {name: value for name, value in kwargs.items() if name not in NOT_TAKEN}
        super().__init__(
            base_container_name=BUILD_CONTAINER,
            random_name_suffix=False,
            do_xcom_push=do_xcom_push,
            **own,
        )
        self.script = script
        self.cache = cache
        self.cache_scope = cache_scope
        self.artifacts = artifacts
        self.services = services
        self.from_task_ids = from_task_ids
        self.runner = runner
        self.runner_tags = runner_tags
        self.object_store_conn_id = object_store_conn_id
        self.waits_in_triggerer = deferrable

    def execute(self, context: Context) -> dict[str, Any] | None:
        """Run the pod.

        Raises:
            TaskFailed: it has failed for good, or something that the task says is wrong.
            TaskFailedForNow: Airflow is to try it again.
            TaskDeferred: the triggerer follows the pod from here.
        """
        return self._run(context)

    def follow_on(self, context: Context, event: Any = None) -> dict[str, Any] | None:
        """Run the pod to its end, after the triggerer has followed it."""
        return self._run(context, own_pod(context, unpack(event)))

    def build_pod_request_obj(
        self, context: Context | None = None, *, dry_run: bool = False
    ) -> k8s.V1Pod:
        """Build the pod: that of the job, with what the parameters add to it."""
        with self._only_additions():
            return super().build_pod_request_obj(context, dry_run=dry_run)

    def _run(self, context: Context, handed: Handover | None = None) -> dict[str, Any] | None:
        opened = self._opened(context)
        try:
            run = task_run(opened, self.task_job())
        except GitlabCiError as problem:
            raise TaskFailed(str(problem)) from problem
        if self.execution_timeout is None:
            self.execution_timeout = timedelta(seconds=opened.settings.default_timeout)
        return self._told(context, run_pod(self, run, handed))

    def _opened(self, context: Context) -> TaskContext:
        opened = open_task(context)
        settings = opened.settings
        wanted: dict[bool | None, Waiting] = {True: "deferred", False: "worker"}
        changed = replace(
            settings,
            object_store_conn_id=self.object_store_conn_id or settings.object_store_conn_id,
            waiting=wanted.get(self.waits_in_triggerer, settings.waiting),
        )
        return replace(opened, settings=changed)

    def task_job(self) -> TaskJob:
        """Gather what the task wants.

        Raises:
            ConfigError: some of it cannot be honoured.
        """
        if self.not_taken:
            told = (f"{name} ({NOT_TAKEN[name]})" for name in self.not_taken)
            raise ConfigError(f"GitlabJobPodOperator does not take {', '.join(told)}")
        timeout = self.execution_timeout
        conn_id = self.kubernetes_conn_id
        own_cluster = conn_id not in {None, KubernetesHook.default_conn_name}
        return TaskJob(
            keywords=self._keywords(),
            variables=self._variables(),
            scope=self.cache_scope,
            from_task_ids=tuple(self.from_task_ids),
            runner=RunnerWish(
                name=self.runner,
                connection=conn_id or "" if own_cluster else "",
                namespace=self.namespace or "",
            ),
            timeout=int(timeout.total_seconds()) if timeout else None,
        )

    def _keywords(self) -> dict[str, Any]:
        """Spell what the task wants as `.gitlab-ci.yml` does."""
        caches = [self.cache] if isinstance(self.cache, TaskCache | Mapping) else self.cache
        given = {
            "image": self.image,
            "script": self._script(),
            "tags": list(self.runner_tags),
            "cache": [as_keyword(cache) for cache in caches if cache],
            "artifacts": as_keyword(self.artifacts) if self.artifacts else None,
            "services": [as_keyword(service) for service in self.services],
        }
        return {name: value for name, value in given.items() if value}

    def _script(self) -> list[str]:
        if self.script and (self.cmds or self.arguments):
            raise ConfigError("script: leave out cmds and arguments, or the script")
        if self.script:
            return [self.script] if isinstance(self.script, str) else list(self.script)
        if not self.cmds:
            more = "; the image's entrypoint, which arguments are for, is not started"
            raise ConfigError(f"script or cmds is missing{more if self.arguments else ''}")
        return [shlex.join([*self.cmds, *self.arguments])]

    def _variables(self) -> Variables:
        """List the variables with a value; Kubernetes itself sets those from its own objects."""
        given = self.env_vars or []
        pairs = (
            given.items()
            if isinstance(given, Mapping)
            else [(each.name, each.value) for each in given if each.value_from is None]
        )
        return Variables(
            Variable(name=str(name), value=str(value or ""), expand=False) for name, value in pairs
        )

    def _told(self, context: Context, result: JobResult) -> dict[str, Any] | None:
        """Return what was kept, and tell the assets."""
        if not result.artifacts:
            return None
        kept = result.artifacts[0]
        told: dict[str, Any] = {"object_key": kept.object_key, "name": kept.name}
        told |= {"files": kept.files, "size": kept.size, "sha256": kept.sha256}
        tell_assets(self.outlets, context, told)
        return told

    @contextmanager
    def _only_additions(self) -> Iterator[None]:
        """Hide what the job's pod has already; what it leaves needs no sidecar."""
        kept = (self.cmds, self.arguments, self.image, self.env_vars, self.do_xcom_push)
        from_objects = [each for each in self.env_vars or [] if _is_reference(each)]
        self.cmds, self.arguments, self.image = [], [], None
        self.env_vars, self.do_xcom_push = from_objects, False
        try:
            yield
        finally:
            self.cmds, self.arguments, self.image, self.env_vars, self.do_xcom_push = kept


def _is_reference(variable: Any) -> bool:
    return isinstance(variable, k8s.V1EnvVar) and variable.value_from is not None

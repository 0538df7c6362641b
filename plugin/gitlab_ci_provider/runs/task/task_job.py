"""What a task of a hand-written DAG wants, and the job that it is: compiled as GitLab's file is.

So every spelling that GitLab accepts is accepted, and what it refuses is refused in its words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import errors_in
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.project import CONFIG_PATH, Project, Ref
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.plan_request import RunnerWish

_NAME = "task"
"""In the file that is compiled: a task's own ID may be a keyword of GitLab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskJob:
    """What a task wants.

    Attributes:
        keywords: of a job, as in `.gitlab-ci.yml`.
        variables: of the task; their values are not expanded.
        scope: tasks with the same scope share caches; empty means those of this DAG.
        from_task_ids: tasks whose artifacts it uses.
        runner: what it says of its runner.
        timeout: seconds; None means the installation's.
    """

    keywords: Mapping[str, Any]
    variables: Variables = Variables()
    scope: str = ""
    from_task_ids: Sequence[str] = ()
    runner: RunnerWish = field(default_factory=RunnerWish)
    timeout: int | None = None


@dataclass(frozen=True, slots=True)
class _OneFile:
    """A `FileFetcher` with one file."""

    text: str

    def read(self, path: str) -> bytes | None:
        """Return the file's contents."""
        return self.text.encode() if path == CONFIG_PATH else None

    def paths(self) -> Sequence[str]:
        """List the file."""
        return (CONFIG_PATH,)


def project_of(dag_id: str) -> Project:
    """Name the place of a DAG among projects; none of GitLab's has an `@` in its path."""
    return Project(path=f"@dags/{dag_id}", clone_url="")


def compiled_job(task: TaskJob, project: Project, name: str) -> Job:
    """Compile the job that a task is.

    Raises:
        ConfigError: something that it says is wrong; the message has all of it.
    """
    from gitlab_ci_provider.compiler.compile import compile_pipeline  # not when DAGs are parsed

    try:
        text = json.dumps({_NAME: dict(task.keywords)})
    except (TypeError, ValueError) as problem:
        raise ConfigError(f"cache, artifacts and services must be plain data: {problem}") from None
    context = PipelineContext(project=project, ref=Ref(name="", sha=""))
    result = compile_pipeline(_OneFile(text), context)
    errors = errors_in(result.diagnostics)
    if result.pipeline is None or errors:
        told = dict.fromkeys(found.message.replace(f"jobs:{_NAME}:", "") for found in errors)
        raise ConfigError(f"the task cannot run as a job: {'; '.join(told)}")
    job = result.pipeline.jobs[_NAME]
    _refuse_what_needs_a_commit(job)
    return replace(job, name=name, group=name, timeout=task.timeout)


def _refuse_what_needs_a_commit(job: Job) -> None:
    for cache in job.caches:
        if cache.key.source:
            message = "cache:key:files needs a repository: make the key with a template, or name it"
            raise ConfigError(message)
    artifacts = job.artifacts
    if any(cache.untracked for cache in job.caches) or (artifacts and artifacts.untracked):
        raise ConfigError("untracked: needs a repository: name the paths")

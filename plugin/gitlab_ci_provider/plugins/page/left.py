"""What the jobs of a run have left in the object store, opened for a reader of the pipeline page.

A pod says what it has stored, and authors of pipelines could make it say anything. So the keys of
objects count only if they are those of the job itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from gitlab_ci_provider.airflow_internals.run_rows import read_run, read_run_xcoms
from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.object_store import object_shelf
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import JobResult, PipelineRun
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.plugins.page.reading import read_pipeline_of, read_record
from gitlab_ci_provider.retention.catalog import (
    ARCHIVE,
    Catalog,
    Selection,
    StoredArchive,
    read_index,
)
from gitlab_ci_provider.retention.guard import Guard
from gitlab_ci_provider.retention.permission import Permission
from gitlab_ci_provider.retention.policy import Policy
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.storage.keys import artifacts_folder, job_part
from gitlab_ci_provider.storage.shelf import ObjectShelf

LARGEST_INDEX = 32 * 1024 * 1024
"""Bytes: those of a few hundred thousand files. A job may make more, and each click reads it."""

_KEY = re.compile(r"\d+/(?:artifacts|reports/[A-Za-z0-9_@=+-][A-Za-z0-9._@=+-]*)\.zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftArchive:
    """One archive of a job.

    Attributes:
        kind: `archive`, or a kind of report.
        summary: numbers of a report.
        results: its contents are stored, too.
        expire_at: seconds since 1970; None means never, or that only the archive's index knows.
    """

    job: Job
    task: str
    kind: str
    name: str
    key: str
    files: int
    size: int
    results: bool = False
    expire_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftByRun:
    """A run with what its jobs have left.

    Attributes:
        results: of the jobs that have left one, by task ID.
    """

    record: PipelineRun
    pipeline: Pipeline
    results: dict[str, JobResult]

    def jobs(self) -> Iterator[tuple[str, Job, JobResult]]:
        """Yield the jobs that have left a result, in the order of stages, with their tasks."""
        names = task_ids(self.pipeline.jobs)
        place = self.pipeline.stages.index
        for job in sorted(self.pipeline.jobs.values(), key=lambda job: place(job.stage)):
            if names[job.name] in self.results:
                yield names[job.name], job, self.results[names[job.name]]

    def archives(self) -> Iterator[LeftArchive]:
        """Yield the archives of the newest tries of the jobs, in the order of stages."""
        for task, job, result in self.jobs():
            for each in (*self._files(task, job, result), *self._reports(task, job, result)):
                if self._is_own(job, each.key):
                    yield each

    def has(self, kind: str) -> bool:
        """Tell whether a job has left the contents of a kind of report."""
        return any(each.kind == kind and each.results for each in self.archives())

    def archive(self, task: str, kind: str) -> LeftArchive | None:
        """Find an archive."""
        return next((a for a in self.archives() if (a.task, a.kind) == (task, kind)), None)

    def _files(self, task: str, job: Job, result: JobResult) -> Iterator[LeftArchive]:
        for left in result.artifacts:
            yield LeftArchive(
                job=job,
                task=task,
                kind=ARCHIVE,
                name=left.name,
                key=left.object_key,
                files=left.files,
                size=left.size,
                expire_at=left.expire_at,
            )

    def _reports(self, task: str, job: Job, result: JobResult) -> Iterator[LeftArchive]:
        for left in result.reports:
            yield LeftArchive(
                job=job,
                task=task,
                kind=left.kind,
                name=left.kind,
                key=left.object_key,
                files=left.files,
                size=left.size,
                results=bool(left.results_key),
            )

    def _is_own(self, job: Job, key: str) -> bool:
        folder = f"{artifacts_folder(self.record.project)}{self.record.id}/{job_part(job.name)}/"
        return key.startswith(folder) and bool(_KEY.fullmatch(key.removeprefix(folder)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTry:
    """A try of the jobs of a run; only the object store knows what earlier ones have left.

    Attributes:
        attempt: from 1.
    """

    left: LeftByRun
    shelf: ObjectShelf
    attempt: int

    def archives(self, task: str = "", kind: str = "") -> Iterator[LeftArchive]:
        """Yield the archives of the jobs, or those of one job and kind."""
        tasks = task_ids(self.left.pipeline.jobs)
        jobs = {
            job_part(name): job
            for name, job in self.left.pipeline.jobs.items()
            if task in {"", tasks[name]}
        }
        for stored in self._stored(kind):
            job = jobs.get(stored.job)
            index = read_index(self.shelf, stored.object_key, LARGEST_INDEX) if job else None
            if job is not None and index is not None:
                yield LeftArchive(
                    job=job,
                    task=tasks[job.name],
                    kind=stored.kind,
                    name=index.name if stored.kind == ARCHIVE else stored.kind,
                    key=stored.object_key,
                    files=index.count,
                    size=stored.size,
                    expire_at=index.expire_at,
                )

    def _stored(self, kind: str) -> Iterator[StoredArchive]:
        record = self.left.record
        catalog = Catalog(
            shelf=self.shelf,
            project=record.project,
            find=lambda _: None,
            permission=permission(),
        )
        meant = Selection(pipeline=record.id, attempt=self.attempt, kind=kind)
        return (each for _, found in catalog.pipelines(meant) for each in found)


def read_left(session: Any, dag_id: str, run_id: str) -> LeftByRun | None:
    """Read what the jobs of a run have left; None when there is no such run, or no pipeline.

    Raises:
        StateError: the state cannot be read.
    """
    run = read_run(session, dag_id, run_id)
    if run is None:
        return None
    xcoms = read_run_xcoms(session, run, (xcom_keys.PIN, xcom_keys.JOB_RESULT))
    record = read_record(session, run, xcoms)
    if record is None:
        return None
    told = xcoms.get(xcom_keys.JOB_RESULT, {})
    read = {task: _result(value) for task, value in told.items()}
    return LeftByRun(
        record=record,
        pipeline=read_pipeline_of(run, record),
        results={task: result for task, result in read.items() if result is not None},
    )


def _result(value: Any) -> JobResult | None:
    try:
        return convert(value, JobResult)
    except msgspec.ValidationError:
        return None


def open_shelf() -> ObjectShelf:
    """Open the object store with the keys of the installation, which stay in this process.

    Raises:
        SettingsError: there is no connection to it.
    """
    conn_id = load_settings().object_store_conn_id
    shelf = object_shelf(conn_id)
    if shelf is None:
        raise SettingsError(f"the API server finds no connection '{conn_id}' to the object store")
    return shelf


def permission() -> Permission:
    """Make what decides, now, whether artifacts may be downloaded."""
    register = open_state(load_settings()).register
    guard = Guard(register, lambda *_: None, Policy())
    return Permission(guard=guard, now=datetime.now(UTC).timestamp())

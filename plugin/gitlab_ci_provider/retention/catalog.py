"""Which artifacts a project has: the archives of its pipelines, read from their indexes.

The register says which pipeline is of which ref and run; the object store says what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.retention.permission import Permission
from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.index import ArtifactIndex, decode_index
from gitlab_ci_provider.storage.keys import (
    artifacts_folder,
    dag_of,
    index_key,
    job_part,
)
from gitlab_ci_provider.storage.shelf import ObjectShelf

ARCHIVE = "archive"
"""The kind of what `artifacts:paths` has saved; other kinds are those of reports."""

_ARCHIVE = re.compile(r"(?P<job>[^/]+)/(?P<attempt>\d+)/(?:artifacts|reports/(?P<kind>[^/]+))\.zip")
_LARGEST_INDEX = 256 * 1024 * 1024

FindPipeline = Callable[[int], PipelineEntry | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArchive:
    """One archive of one try of a job.

    Attributes:
        pipeline: CI_PIPELINE_ID.
        entry: the pipeline as the register knows it; None when it does not.
        job: its name, or the name of its folder where there is no index.
        kind: `archive`, or a kind of report.
        index: None when the upload of the job has not come so far.
        run: of a hand-written DAG, as in the names of objects; its pipeline is 0.
        refusal: why it may not be downloaded; empty when it may.
        is_over: it has expired.
    """

    pipeline: int
    entry: PipelineEntry | None
    job: str
    attempt: int
    kind: str
    object_key: str
    size: int
    index: ArtifactIndex | None = None
    run: str = ""
    refusal: str = ""
    is_over: bool = False

    @property
    def checksums(self) -> dict[str, str]:
        """Those of its members, as far as they are known."""
        return self.index.checksums if self.index else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which archives are meant; empty values mean any.

    Attributes:
        ref: name of a branch, tag or merge request ref.
        run: ID of the Airflow run.
        attempt: 0 means the newest try of each job.
    """

    ref: str = ""
    job: str = ""
    pipeline: int = 0
    run: str = ""
    kind: str = ""
    attempt: int = 0

    def has_pipeline(self, number: int, entry: PipelineEntry | None) -> bool:
        """Return whether a pipeline is meant."""
        ref = entry.ref.name if entry else ""
        run = entry.run_id if entry else ""
        return (
            (not self.pipeline or self.pipeline == number)
            and (not self.ref or self.ref == ref)
            and (not self.run or self.run == run)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The artifacts of one project."""

    shelf: ObjectShelf
    project: Project
    find: FindPipeline
    permission: Permission

    def pipelines(self, selection: Selection) -> Iterator[tuple[int, list[StoredArchive]]]:
        """Yield the pipelines that have what is meant, newest first, without indexes."""
        folder = artifacts_folder(self.project)
        if selection.pipeline:
            numbers = [selection.pipeline]
        else:
            names = self.shelf.folders(folder)
            numbers = sorted((int(name) for name in names if name.isdecimal()), reverse=True)
        for number in numbers:
            entry = self.find(number)
            if selection.has_pipeline(number, entry):
                found = _chosen(self._of_pipeline(f"{folder}{number}/", number, entry), selection)
                if found:
                    yield number, found

    def runs(self, selection: Selection) -> Iterator[list[StoredArchive]]:
        """Yield what is meant of the runs of a hand-written DAG, in the reverse order of names."""
        folder = artifacts_folder(self.project)
        for run in sorted(self.shelf.folders(folder), reverse=True):
            if not selection.run or job_part(selection.run) == run:
                stored = self._of_pipeline(f"{folder}{run}/0/", 0, None)
                if found := _chosen((replace(each, run=run) for each in stored), selection):
                    yield found

    def found(self, selection: Selection) -> Iterator[list[StoredArchive]]:
        """Yield what is meant, of pipelines or of runs."""
        if dag_of(self.project):
            return self.runs(selection)
        return (found for _, found in self.pipelines(selection))

    def archives(self, selection: Selection, most: int = 0) -> list[StoredArchive]:
        """List archives with their indexes, of the newest pipelines; `most` of them, 0 for all."""
        some = islice(self.found(selection), most or None)
        return [self.with_index(archive) for found in some for archive in found]

    def with_index(self, archive: StoredArchive) -> StoredArchive:
        """Read what an archive has in it."""
        index = read_index(self.shelf, archive.object_key)
        if index is None:
            return archive
        return replace(
            archive,
            job=index.job,
            index=index,
            refusal=self.permission.refusal(archive.pipeline, index),
            is_over=self.permission.is_over(archive.pipeline, index.expire_at),
        )

    def _of_pipeline(
        self, folder: str, number: int, entry: PipelineEntry | None
    ) -> Iterator[StoredArchive]:
        for stored in self.shelf.objects(folder):
            name = _ARCHIVE.fullmatch(stored.key.removeprefix(folder))
            if name is not None:
                yield StoredArchive(
                    pipeline=number,
                    entry=entry,
                    job=name["job"],
                    attempt=int(name["attempt"]),
                    kind=name["kind"] or ARCHIVE,
                    object_key=stored.key,
                    size=stored.size,
                )


def read_index(shelf: ObjectShelf, key: str, largest: int = _LARGEST_INDEX) -> ArtifactIndex | None:
    """Read the index of an archive; None when it has none that can be read in so many bytes."""
    try:
        return decode_index(shelf.read(index_key(key), 0, largest))
    except (MissingObjectError, ValueError, TypeError, KeyError):
        return None


def _chosen(archives: Iterator[StoredArchive], selection: Selection) -> list[StoredArchive]:
    """Select archives by job, kind and try."""
    wanted = [
        archive
        for archive in archives
        if (not selection.job or archive.job == job_part(selection.job))
        and (not selection.kind or archive.kind == selection.kind)
        and (not selection.attempt or archive.attempt == selection.attempt)
    ]
    newest: dict[tuple[str, str], StoredArchive] = {}
    for archive in sorted(wanted, key=lambda found: found.attempt):
        newest[archive.job, archive.kind] = archive
    return sorted(newest.values(), key=lambda found: (found.job, found.kind != ARCHIVE, found.kind))

"""What GitLab still has to be told, stored where all workers see it.

Keys::

    reports/<pipeline>    a Report, from the start of the pipeline until GitLab has all of it

What a worker that has died, or a GitLab that is away, leaves here is sent by a later pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitlab_ci_provider.model.report import Report
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.records.store import RecordStore, read_document

_PREFIX = "reports/"


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of an installation."""

    store: RecordStore

    def keep(self, report: Report) -> None:
        """Store a report, or what has changed in it."""
        self.store.write(_key(report.pipeline), encode(report))

    def drop(self, pipeline: int) -> None:
        """Remove a report: GitLab has all of it."""
        self.store.delete(_key(pipeline))

    def get(self, pipeline: int) -> Report | None:
        """Read the report of a pipeline.

        Raises:
            StateError: another version of this package has written it.
        """
        return read_document(self.store, _key(pipeline), Report)

    def left(self) -> Iterator[Report]:
        """Iterate over all reports, the oldest first; raises StateError as `get` does."""
        for key in self.store.keys(_PREFIX):
            report = read_document(self.store, key, Report)
            if report is not None:
                yield report


def _key(pipeline: int) -> str:
    return f"{_PREFIX}{pipeline:012d}"

"""Reads the reports of a pipeline's jobs from the object store, and finds an earlier pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.model.run_address import page_path
from gitlab_ci_provider.model.serialization import decode
from gitlab_ci_provider.plugins.page.left import LeftArchive, LeftByRun, read_left
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.storage.base import MissingObjectError
from gitlab_ci_provider.storage.keys import results_key
from gitlab_ci_provider.storage.shelf import ObjectShelf

_LARGEST = 32 * 1024 * 1024
_ALL = 64 * 1024 * 1024
"""Bytes of the reports of all jobs that one answer reads."""

_MOST_EARLIER = 10
"""Pipelines that are looked at for one with reports."""

Report = TypeVar("Report")


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierView:
    """The pipeline that another is compared with; `path` of its page, relative to the UI."""

    id: int
    path: str

    @classmethod
    def of(cls, left: LeftByRun) -> EarlierView:
        """Name a pipeline."""
        return cls(id=left.record.id, path=page_path(left.record.dag_id, left.record.run_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport(Generic[Report]):
    """The report of a job; None when it cannot be read, and why."""

    archive: LeftArchive
    report: Report | None = None
    problem: str = ""


@dataclass(slots=True)
class ReportShelf:
    """Reads reports, and not more than an answer may take."""

    shelf: ObjectShelf
    _left: int = field(default=_ALL, init=False)

    def read(
        self, left: LeftByRun, kind: str, report: type[Report]
    ) -> Iterator[ReadReport[Report]]:
        """Read the reports of one kind."""
        for archive in left.archives():
            if archive.kind == kind and archive.results:
                yield self._read(archive, report)

    def _read(self, archive: LeftArchive, report: type[Report]) -> ReadReport[Report]:
        most = min(_LARGEST, self._left)
        try:
            data = self.shelf.read(results_key(archive.key), 0, most + 1)
            self._left -= min(len(data), self._left)
            if len(data) > most:
                return ReadReport(archive=archive, problem="too large to be shown: download it")
            return ReadReport(archive=archive, report=decode(data, report))
        except MissingObjectError:
            return ReadReport(archive=archive, problem="no longer in the object store")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ReadReport(archive=archive, problem="cannot be read")


def find_earlier(
    session: Any, left: LeftByRun, kind: str, may_see: Callable[[str], bool]
) -> LeftByRun | None:
    """Find the last pipeline of the same ref before this one that has left a kind of report.

    Args:
        session: of Airflow's database.
        left: what this pipeline has left.
        kind: of the report.
        may_see: tells whether the reader may see runs of a DAG.
    """
    record = left.record
    register = open_state(load_settings()).register
    numbers = register.numbers(record.project.path, record.pipeline_ref)
    earlier = (number for number in numbers if number < record.id)
    for number in islice(earlier, _MOST_EARLIER):
        entry = register.get(number)
        if entry is None or not may_see(entry.dag_id):
            continue
        try:
            found = read_left(session, entry.dag_id, entry.run_id)
        except (GitlabCiError, OSError):  # its compiled pipeline was removed
            continue
        if found and found.has(kind):
            return found
    return None

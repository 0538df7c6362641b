"""Which kinds of reports are read, and by which reader. The others are kept as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from gitlab_ci_provider.helper.reports.xml import MOST_BYTES, ReportError
from gitlab_ci_provider.model.reports import Results
from gitlab_ci_provider.storage.tree_reader import TreeReader

_MOST_TOGETHER = 100_000_000
"""Bytes of all files of one kind; GitLab's limit for JUnit reports."""


class ReportReader(Protocol):
    """Collects what the files of one kind say."""

    def read(self, source: IO[bytes]) -> None:
        """Read one file; raises ReportError."""

    def results(self, errors: Sequence[str]) -> Results:
        """Return all that was read, and why the rest could not be."""

    def summary(self) -> Mapping[str, float]:
        """Return numbers for people."""


def reader_of(kind: str, job: str, project_dir: Path, form: str) -> ReportReader | None:
    """Find who reads a kind of report, in one of its formats; None when nobody does."""
    if kind == "junit":
        from gitlab_ci_provider.helper.reports.junit import JunitReader

        return JunitReader(job)
    if kind in ("coverage_report", "cobertura"):
        from gitlab_ci_provider.helper.reports.coverage import CoverageReader

        return CoverageReader(project_dir, form)
    if kind == "codequality":
        from gitlab_ci_provider.helper.reports.quality import QualityReader

        return QualityReader()
    return None


def read_files(reader: ReportReader, root: Path, paths: Iterable[str]) -> list[str]:
    """Pass each file to a reader; return what could not be read and why."""
    problems: list[str] = []
    left = _MOST_TOGETHER
    with TreeReader(root, problems.append) as tree:
        for path in paths:
            try:
                left = _read(reader, tree, path, left)
            except (ReportError, OSError) as error:
                problems.append(f"{path}: {error}")
    return problems


def _read(reader: ReportReader, tree: TreeReader, path: str, left: int) -> int:
    """Read one file and return how many bytes are left to the next ones."""
    for entry, contents in tree.entries([path]):
        if contents is None:
            continue
        if entry.size > MOST_BYTES or entry.size > left:
            raise ReportError("too large: at most 30 MB per file and 100 MB per kind are read")
        reader.read(contents)
        left -= entry.size
    return left

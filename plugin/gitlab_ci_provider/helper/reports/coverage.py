"""Coverage of lines from XML: Cobertura and JaCoCo, after GitLab's lib/gitlab/ci/parsers/coverage.

A Cobertura file name is put below the first `source` under which the working copy has the file;
without sources in the project it stays as it is. Lines that are named twice are added up.

Unlike GitLab, JaCoCo's file names are package and source file as written, not searched among the
changed files of a merge request.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from gitlab_ci_provider.helper.reports.xml import ReportError, read_xml
from gitlab_ci_provider.model.reports import CoverageReport

_GO_SOURCES = "/usr/local/go/src"
_MOST_SOURCES = 100
_MOST_DIGITS = 15
"""Numbers up to here are whole in every reader of JSON."""

_ROOTS = {"cobertura": "coverage", "jacoco": "report"}


class CoverageReader:
    """Collects the lines of one job's files.

    Args:
        project_dir: where the files are that the report names.
        form: `cobertura` or `jacoco`; empty accepts both.
    """

    def __init__(self, project_dir: Path, form: str = ""):
        self._project = project_dir
        self._form = form
        self._files: dict[str, dict[int, int]] = {}

    def read(self, source: IO[bytes]) -> None:
        """Read one file; raises ReportError, and keeps the files before the mistake."""
        read_xml(source, _Document(self._project, self._add, self._form))

    def results(self, errors: Sequence[str]) -> CoverageReport:
        """Return what was collected."""
        return CoverageReport(files=self._files, errors=tuple(errors))

    def summary(self) -> Mapping[str, float]:
        """Count the lines."""
        hits = [hit for lines in self._files.values() for hit in lines.values()]
        covered = sum(hit > 0 for hit in hits)
        percent = round(100 * covered / len(hits), 2) if hits else 0.0
        counts = {"files": len(self._files), "lines": len(hits), "covered": covered}
        return {**counts, "percent": percent}

    def _add(self, file: str, lines: Mapping[int, int]) -> None:
        known = self._files.setdefault(file, {})
        for line, hits in lines.items():
            known[line] = known.get(line, 0) + hits


class _Document:
    """One file, element by element; a class or source file is added when it ends."""

    def __init__(self, project: Path, add: Callable[[str, Mapping[int, int]], None], form: str):
        self._project = project
        self._form = form
        self._add = add
        self._sources: list[str] = []
        self._source: str | None = None
        self._package = ""
        self._file: str | None = None
        self._lines: dict[int, int] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._check_root(tag)
        if tag == "source":
            self._source = ""
        elif tag == "package":
            self._package = attributes.get("name", "")
        elif tag == "class":
            self._file = self._below_a_source(attributes.get("filename", ""))
        elif tag == "sourcefile":
            self._file = posixpath.join(self._package, attributes.get("name", ""))
        elif tag == "line":
            self._take_line(attributes)

    def _check_root(self, tag: str) -> None:
        """Refuse a document of another format than `coverage_format` says."""
        form, self._form = self._form, ""
        if form and _ROOTS[form] != tag:
            raise ReportError(f"not a report of coverage_format {form}: it begins with <{tag}>")

    def text(self, text: str) -> None:
        if self._source is not None:
            self._source += text

    def end(self, tag: str) -> None:
        if tag == "source" and self._source is not None:
            self._add_source(self._source.strip())
            self._source = None
        elif tag in ("class", "sourcefile"):
            if self._file and self._lines:
                self._add(self._file, self._lines)
            self._file, self._lines = None, {}

    def _take_line(self, attributes: Mapping[str, str]) -> None:
        """Take `number` and `hits` of Cobertura, or `nr` and covered instructions of JaCoCo."""
        if "nr" in attributes:
            self._lines[_number(attributes, "nr")] = _number(attributes, "ci")
        else:
            self._lines[_number(attributes, "number")] = _number(attributes, "hits")

    def _add_source(self, source: str) -> None:
        _, _, below = f"{source}/".replace("\\", "/").partition(f"{self._project}/")
        if below.strip("/") and _GO_SOURCES not in source:
            self._sources.append(posixpath.normpath(below))

    def _below_a_source(self, name: str) -> str | None:
        if not self._sources or not name:
            return name
        paths = (posixpath.join(source, name) for source in self._sources[:_MOST_SOURCES])
        return next((path for path in paths if _is_file(self._project / path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # not a possible file name
        return False


def _number(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise ReportError(f"a line whose '{name}' is not a number")
    return int(text)

"""The contents of `artifacts:reports`, as plain data: tests, covered lines, findings.

The pod reads the files where they were made; a small `ArtifactReport` for each kind comes back
with the job's result, everything is in the object store, see `storage/keys.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class CaseStatus(StrEnum):
    """GitLab's words for how a test case ended."""

    SUCCESS = "success"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case of a JUnit report.

    Attributes:
        time: seconds.
        output: of a case that did not pass; the message when there is no text.
        attachment: path of a screenshot, `[[ATTACHMENT|path]]` in the case's output.
    """

    name: str = ""
    classname: str = ""
    suite: str = ""
    file: str = ""
    status: CaseStatus = CaseStatus.SUCCESS
    time: float = 0.0
    output: str = ""
    attachment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JunitReport:
    """The tests of one job; GitLab calls it a test suite and names it after the job.

    Attributes:
        time: seconds, repeated cases included.
        errors: why a file could not be read, one line a file.
    """

    name: str
    cases: tuple[Case, ...] = ()
    time: float = 0.0
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """How often each line ran: hits by line number by file, relative to the project."""

    files: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One entry of a code quality report."""

    description: str
    check_name: str
    fingerprint: str
    severity: str
    path: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The findings of one job, in the order of the files."""

    findings: tuple[Finding, ...] = ()
    errors: tuple[str, ...] = ()


def failed_tests(report: JunitReport) -> Iterator[str]:
    """Name the tests that failed, as people look for them."""
    for case in report.cases:
        if case.status in {CaseStatus.FAILED, CaseStatus.ERROR}:
            yield f"{case.classname}: {case.name}" if case.classname else case.name


Results = JunitReport | CoverageReport | QualityReport

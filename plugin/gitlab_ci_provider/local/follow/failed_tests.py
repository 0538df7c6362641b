"""The tests that have failed, by their names, from what the object store keeps of JUnit reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gitlab_ci_provider.model.reports import Case, CaseStatus, JunitReport
from gitlab_ci_provider.model.serialization import decode

_BAD = frozenset({CaseStatus.FAILED, CaseStatus.ERROR})


def failed_tests(reports: Iterable[Mapping[str, Any]], objects: Path) -> list[str]:
    """List the failed tests of a job; what cannot be read any more is left out.

    Args:
        reports: of the job, as its result holds them.
        objects: the folder in which the object store keeps its bucket.
    """
    names: list[str] = []
    for report in reports:
        if report["kind"] == "junit" and report.get("results_key"):
            try:
                found = decode((objects / report["results_key"]).read_bytes(), JunitReport)
            except (OSError, msgspec.MsgspecError):
                continue
            names += [_name(case) for case in found.cases if case.status in _BAD]
    return names


def _name(case: Case) -> str:
    return f"{case.classname}: {case.name}" if case.classname else case.name

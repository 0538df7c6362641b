"""The names of failed tests."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.local.follow.artifacts import failed_tests
from gitlab_ci_provider.model.reports import Case, CaseStatus, JunitReport
from gitlab_ci_provider.model.serialization import encode


def test_failed_and_broken_tests_are_named(tmp_path: Path):
    """With their class, as GitLab's page shows them; a report that has gone is left out."""
    cases = (
        Case(name="adds", classname="sums", status=CaseStatus.FAILED),
        Case(name="passes", status=CaseStatus.SUCCESS),
        Case(name="breaks", status=CaseStatus.ERROR),
    )
    (tmp_path / "key").write_bytes(encode(JunitReport(name="unit", cases=cases)))
    reports = [
        {"kind": "junit", "results_key": "key"},
        {"kind": "junit", "results_key": "gone"},
        {"kind": "metrics", "results_key": ""},
    ]

    assert failed_tests(reports, tmp_path) == ["sums: adds", "breaks"]

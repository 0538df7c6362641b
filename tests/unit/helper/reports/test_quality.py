"""Findings from code quality files."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from gitlab_ci_provider.helper.reports.quality import QualityReader
from gitlab_ci_provider.helper.reports.xml import ReportError


def finding(**given: object) -> dict[str, object]:
    """Make an entry as tools write it."""
    entry = {"description": "d", "check_name": "c", "fingerprint": "f", "severity": "major"}
    return {**entry, "location": {"path": "a.py", "lines": {"begin": 7}}, **given}


def read(document: object) -> QualityReader:
    """Read one file."""
    reader = QualityReader()
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    reader.read(BytesIO(data))
    return reader


def test_findings_by_severity():
    """One that has a known fingerprint is the same; an unknown severity is said to be that."""
    entries = [finding(), finding(), finding(fingerprint="g", severity="odd")]

    assert read(entries).summary() == {"total": 2, "major": 1, "unknown": 1}


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ({"path": "a", "lines": {"begin": 7}}, 7),
        ({"path": "a", "positions": {"begin": {"line": 8, "column": 1}}}, 8),
        ({"path": "a", "lines": {"begin": {"line": 9}}}, 9),
        ({"path": "a"}, 0),
        ({"path": "a", "lines": [1]}, 0),
    ],
)
def test_where_a_finding_is(location: object, line: int):
    """Both spellings of CodeClimate's format."""
    assert read([finding(location=location)]).results(()).findings[0].line == line


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        ({"a": 1}, "not a list"),
        ([finding(), 7], "entry 2 is not a finding"),
        ([finding(location={})], "entry 1 is not a finding"),
        ([finding(description=None)], "entry 1 is not a finding"),
    ],
)
def test_a_bad_file_says_what_is_wrong(document: object, problem: str):
    """Without quoting it."""
    with pytest.raises(ReportError, match=problem):
        read(document)

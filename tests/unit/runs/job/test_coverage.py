"""The coverage that a job's log tells; cases like those of GitLab's trace/stream_spec.rb."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.runs.job.coverage import CoverageScan


@pytest.mark.parametrize(
    ("pattern", "log", "coverage"),
    [
        (r"/\(\d+.\d+\%\) covered/", "Coverage 1033 / 1051 LOC (98.29%) covered", 98.29),
        (r"/\(\d+.\d+\%\) covered/", "no match", None),
        (r"/\(\d+.\d+\%\) covered/", "(98.39%) covered\n(98.29%) covered", 98.29),
        (r"/\(\d+.\d+\%\) covered/", "(98.39%) covered (98.29%) covered", 98.29),
        (r"/^TOTAL.+?(\d+\%)$/", "TOTAL 65 2 77%\r\n", 77.0),
        (r"/Statements *: (\d+\.?\d*%)/", "Statements   : 9.5% ( 1/2 )", 9.5),
        (r"/(\d+)% of (\d+)/", "50% of 70", 70.0),
        (r"/Coverage: \w+/", "Coverage: 90\nCoverage: unknown", 90.0),
        (r"/covered (\d+)?/", "covered 7\ncovered \n", 7.0),
        (r"/TOTAL (\d+)/i", "total 12", 12.0),
        (r"/\d+%/", b"\xff\xfe 12%\n", 12.0),
        (r"/\d+%/", "", None),
        (None, "100%", None),
    ],
)
def test_the_last_match_of_the_last_line(
    pattern: str | None, log: str | bytes, coverage: float | None
):
    """Of the match the last group, of that the first number; a line without one does not count."""
    scan = CoverageScan(pattern)

    for line in (log if isinstance(log, bytes) else log.encode()).splitlines(keepends=True):
        scan.see(line)

    scan.flush()
    assert scan.value == coverage


def test_a_line_may_come_in_pieces():
    """The log is cut wherever the network cuts it."""
    scan = CoverageScan(r"/TOTAL (\d+)%/")

    for piece in (b"x\nTOT", b"AL 1", b"2%", b"\nTOTAL"):
        scan.see(piece)
    scan.flush()

    assert scan.value == 12.0


def test_only_the_beginning_of_an_endless_line_is_searched():
    """A line of a million numbers would stop a triggerer, and all jobs that it follows."""
    scan = CoverageScan(r"/(\d\d) covered/")

    scan.see(b"x" * (1 << 16) + b"12 covered\n")

    assert scan.value is None

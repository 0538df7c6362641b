"""How far a transfer has come: TRANSFER_METER_FREQUENCY."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.helper.meter import TransferMeter, metered


def test_it_reports_now_and_then_and_at_the_end():
    """In the runner's words; what is not known is left out."""
    now = 0.0
    said: list[str] = []
    meter = TransferMeter("Uploading cache", 2, said.append, lambda: now)
    meter.add(500, 3_000_000)
    now = 2.0
    meter.add(1_234_500, 3_000_000)
    now = 3.0
    meter.add(1_765_000, 3_000_000)
    meter.end()

    assert said == [
        "Uploading cache 1.24 MB/3.00 MB (617.50 KB/s)",
        "Uploading cache 3.00 MB/3.00 MB (1.00 MB/s)",
    ]


def test_a_size_that_nobody_knows_is_not_said():
    """Some servers do not tell it."""
    said: list[str] = []
    with metered("Downloading cache", 1, said.append) as progress:
        progress(7, 0)

    assert said[0].startswith("Downloading cache 7 B (")


def test_nothing_is_said_unless_the_job_wants_it():
    """Neither of a transfer that fails: the error says that."""
    said: list[str] = []
    with metered("Downloading cache", 0, said.append) as progress:
        progress(7, 7)
    with pytest.raises(OSError, match="x"), metered("Downloading cache", 1, said.append):
        raise OSError("x")

    assert said == []

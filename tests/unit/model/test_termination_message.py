"""The termination message: what the helper writes is what the worker reads."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact
from gitlab_ci_provider.model.termination_message import (
    MAX_BYTES,
    TerminationMessage,
    decode_message,
    encode_message,
)


def test_what_is_written_is_what_is_read():
    """Phase, reason and message of a failure, and what the job left, cross the border unchanged."""
    told = TerminationMessage(
        phase="get_sources",
        reason=FailureReason.RUNNER_SYSTEM_FAILURE,
        message="no route to host",
        lines=12,
        artifacts=(JobArtifact(name="n", object_key="k", size=1, files=2),),
        reports=(ArtifactReport(kind="junit", object_key="r", summary={"total": 3}),),
    )

    assert decode_message(encode_message(told).decode()) == told


def test_it_fits_into_what_kubernetes_keeps():
    """4096 bytes, whatever happened; the reader learns how much had no room."""
    artifacts = tuple(JobArtifact(name="n", object_key="k" * 300) for _ in range(50))
    reports = tuple(ArtifactReport(kind="k", object_key="k" * 300) for _ in range(50))
    data = encode_message(
        TerminationMessage(message="ü" * 10_000, artifacts=artifacts, reports=reports)
    )

    read = decode_message(data.decode())
    assert len(data) <= MAX_BYTES
    assert read is not None
    assert read.message.endswith(" ...")
    assert read.artifacts
    assert read.left_out + len(read.artifacts) + len(read.reports) == 100


def test_artifacts_go_before_reports():
    """Where there is no room for both, reports are left out first: later jobs need archives."""
    artifacts = tuple(JobArtifact(name="n", object_key="k" * 300) for _ in range(5))
    reports = tuple(ArtifactReport(kind="k", object_key="k" * 300) for _ in range(50))

    read = decode_message(
        encode_message(TerminationMessage(artifacts=artifacts, reports=reports)).decode()
    )

    assert read is not None
    assert read.artifacts == artifacts


def test_names_of_tests_go_before_reports():
    """They are for people; the numbers of a report are for rules, too."""
    names = tuple("x" * 100 for _ in range(5))
    reports = tuple(
        ArtifactReport(kind="junit", object_key="k" * 300, failed=names) for _ in range(6)
    )
    few, many = (
        decode_message(encode_message(TerminationMessage(reports=some)).decode())
        for some in (reports[:1], reports)
    )
    assert few is not None
    assert few.reports[0].failed == names
    assert many is not None
    assert [report.failed for report in many.reports] == [()] * 6


def test_other_words_are_no_message():
    """A container that was killed leaves nothing, and another program anything."""
    assert decode_message("") is None
    assert decode_message("killed") is None
    assert decode_message('"killed"') is None
    assert decode_message('{"artifacts": 3}') is None


def test_a_newer_helper_is_understood():
    """Keys and reasons that this version does not know are accepted."""
    read = decode_message('{"reason": "reason_of_the_future", "new": 1, "lines": 3}')

    assert read == TerminationMessage(reason=FailureReason.UNKNOWN_FAILURE, lines=3)


@pytest.mark.parametrize("message", ["no route", "ü\U0001f600" * 100])
def test_what_kubernetes_cuts_off_is_counted(message: str):
    """It keeps 12 KiB for all containers of a pod: a job with services has less for each.

    Wherever that cuts, what is whole is read, and the rest is known to be left out.
    """
    told = TerminationMessage(
        phase="upload_artifacts",
        lines=7,
        left_out=1,
        artifacts=tuple(JobArtifact(name=f"}}]{n}", object_key=f"k{n}") for n in range(3)),
        reports=(ArtifactReport(kind="junit", object_key="r", summary={"total": 3}),) * 2,
        message=message,
    )
    text = encode_message(told).decode()
    counted = text.index(',"artifacts"')

    for size in range(counted, len(text)):
        read = decode_message(text[:size])
        assert read is not None
        assert (read.phase, read.lines) == ("upload_artifacts", 7)
        assert read.artifacts == told.artifacts[: len(read.artifacts)]
        assert read.left_out + len(read.artifacts) + len(read.reports) == 6
        assert message.startswith(read.message)
    almost = decode_message(text[:-3])
    assert almost is not None
    assert (almost.artifacts, almost.reports) == (told.artifacts, told.reports)
    assert len(almost.message) >= len(message) - 2

"""How a bridge ends."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.model.run import JobStatus
from gitlab_ci_provider.schedule.bridge import inherited
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult, PipelineStatus


@pytest.mark.parametrize(
    ("status", "mirror", "depend"),
    [
        (PipelineStatus.PASSED, JobStatus.SUCCESS, JobStatus.SUCCESS),
        (PipelineStatus.FAILED, JobStatus.FAILED, JobStatus.FAILED),
        (PipelineStatus.CANCELED, JobStatus.CANCELED, JobStatus.CANCELED),
        (PipelineStatus.SKIPPED, JobStatus.SKIPPED, JobStatus.FAILED),
    ],
)
def test_a_strategy_takes_the_end_over(
    status: PipelineStatus, mirror: JobStatus, depend: JobStatus
):
    """`mirror` copies the status; for `depend` a skipped pipeline is a failed one."""
    end = PipelineResult(status=status)

    assert inherited("mirror", end).status == mirror
    assert inherited("depend", end).status == depend


def test_warnings_do_not_fail_the_bridge():
    """A pipeline that passed with warnings passed; the reason names them."""
    result = inherited("depend", PipelineResult(status=PipelineStatus.PASSED, warnings=("lint",)))

    assert result.status == JobStatus.SUCCESS
    assert "lint" in result.reason


def test_a_pipeline_that_was_stopped_is_canceled():
    """Somebody who ends a run by hand leaves no status of the pipeline."""
    assert inherited("depend", None).status == JobStatus.CANCELED


def test_without_a_strategy_creating_is_enough():
    """The job does not ask how the pipeline ended."""
    assert inherited(None, None).status == JobStatus.SUCCESS

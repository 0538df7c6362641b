"""GitLab's scheduling table: which outcome of earlier jobs lets a job start.

Source: GitLab, `Ci::ProcessBuildService` and `Gitlab::Ci::Status::Composite`.
"""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.model.rules import AllowFailure, JobDecision, When
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.schedule.verdict import Start, verdict_on

SUCCESS = JobResult(status=JobStatus.SUCCESS)
FAILED = JobResult(status=JobStatus.FAILED)
WARNING = JobResult(status=JobStatus.FAILED, allowed_failure=True)
SKIPPED = JobResult(status=JobStatus.SKIPPED)
MANUAL = JobResult(status=JobStatus.MANUAL)
CANCELED = JobResult(status=JobStatus.CANCELED)
ABSENT = JobResult(status=JobStatus.ABSENT)


def decision(when: When = When.ON_SUCCESS, **given: Any) -> JobDecision:
    return JobDecision(job="job", present=True, when=when, **given)


TABLE = [
    # earlier job, when, in stage order, with needs
    (SUCCESS, When.ON_SUCCESS, Start.RUN, Start.RUN),
    (SUCCESS, When.ON_FAILURE, Start.SKIP, Start.SKIP),
    (SUCCESS, When.ALWAYS, Start.RUN, Start.RUN),
    (FAILED, When.ON_SUCCESS, Start.SKIP, Start.SKIP),
    (FAILED, When.ON_FAILURE, Start.RUN, Start.RUN),
    (FAILED, When.ALWAYS, Start.RUN, Start.RUN),
    (WARNING, When.ON_SUCCESS, Start.RUN, Start.RUN),
    (WARNING, When.ON_FAILURE, Start.SKIP, Start.SKIP),
    (SKIPPED, When.ON_SUCCESS, Start.RUN, Start.SKIP),
    (SKIPPED, When.ON_FAILURE, Start.SKIP, Start.SKIP),
    (SKIPPED, When.ALWAYS, Start.RUN, Start.RUN),
    (MANUAL, When.ON_SUCCESS, Start.RUN, Start.SKIP),
    (MANUAL, When.ALWAYS, Start.RUN, Start.RUN),
    (CANCELED, When.ON_SUCCESS, Start.SKIP, Start.SKIP),
    (CANCELED, When.ON_FAILURE, Start.SKIP, Start.SKIP),
    (CANCELED, When.ALWAYS, Start.SKIP, Start.SKIP),
    (ABSENT, When.ON_SUCCESS, Start.RUN, Start.RUN),
]


@pytest.mark.parametrize(("earlier", "when", "in_stage_order", "with_needs"), TABLE)
def test_one_earlier_job(earlier: JobResult, when: When, in_stage_order: Start, with_needs: Start):
    """A job starts as GitLab's table says, and `needs` is stricter about jobs that did not run."""
    before = {"earlier": earlier}

    assert verdict_on(decision(when), before, needs=False).start == in_stage_order
    assert verdict_on(decision(when), before, needs=True).start == with_needs


def test_no_earlier_jobs():
    """A job of the first stage starts."""
    assert verdict_on(decision(), {}, needs=False).start == Start.RUN


def test_on_failure_without_earlier_jobs_is_skipped():
    """Nothing can have failed before the first stage."""
    assert verdict_on(decision(When.ON_FAILURE), {}, needs=False).start == Start.SKIP


def test_a_failure_beside_a_cancel_counts_as_failed():
    """Composite: canceled only when nothing worse than canceled is among the jobs."""
    before = {"a": FAILED, "b": CANCELED}

    assert verdict_on(decision(When.ON_FAILURE), before, needs=False).start == Start.RUN


def test_one_skipped_need_among_good_ones_skips():
    """With needs, any needed job that did not run skips the job."""
    before = {"a": SUCCESS, "b": SKIPPED}

    assert verdict_on(decision(), before, needs=True).start == Start.SKIP
    assert verdict_on(decision(), before, needs=False).start == Start.RUN


@pytest.mark.parametrize(
    ("allowed", "start"),
    [(AllowFailure(allowed=True), Start.MANUAL), (AllowFailure(), Start.BLOCK)],
)
def test_manual_is_optional_when_it_may_fail(allowed: AllowFailure, start: Start):
    """`allow_failure: true` makes a manual job optional, false makes it blocking."""
    verdict = verdict_on(decision(When.MANUAL, allow_failure=allowed), {"a": SUCCESS}, needs=False)

    assert verdict.start == start


def test_manual_after_a_failure_is_skipped():
    """A manual job is not offered when the jobs before it failed."""
    verdict = verdict_on(decision(When.MANUAL), {"a": FAILED}, needs=False)

    assert verdict.start == Start.SKIP


def test_delayed_waits():
    """A delayed job waits from the moment when its turn comes."""
    verdict = verdict_on(decision(When.DELAYED, start_in=30), {"a": SUCCESS}, needs=False)

    assert verdict.start == Start.DELAY
    assert "30 s" in verdict.reason


def test_absent_stays_absent():
    """A job that the rules left out never starts, whatever happened before."""
    absent = JobDecision(job="job", present=False, reason="no rule matched")

    verdict = verdict_on(absent, {"a": SUCCESS}, needs=False)

    assert verdict.start == Start.ABSENT
    assert verdict.reason == "no rule matched"


def test_the_reason_names_the_culprit():
    """A skipped job says which earlier job is the reason."""
    verdict = verdict_on(decision(), {"lint": SUCCESS, "unit": FAILED}, needs=False)

    assert verdict.reason == "when: on_success, but 'unit' failed"


def test_the_reason_names_some_of_many_culprits():
    """A matrix of hundreds of jobs may fail, and each later job tells why it was skipped."""
    many = {f"unit {number}": FAILED for number in range(100)}

    verdict = verdict_on(decision(), {**many, "a": CANCELED, "b": CANCELED}, needs=False)

    named = ", ".join(f"'unit {number}'" for number in range(5))
    assert verdict.reason == f"when: on_success, but {named} and 95 more failed"


def test_the_reason_tells_about_unplayed_manual_needs():
    """A need on an optional manual job explains itself."""
    verdict = verdict_on(decision(), {"approve": MANUAL}, needs=True)

    assert verdict.reason == "when: on_success, but 'approve' is manual and was not played"

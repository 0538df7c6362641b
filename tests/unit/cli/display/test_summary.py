"""The verdict on a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_provider.cli.display.summary import artifacts, not_pulled, not_run, verdict


def job(status: str = "success", *, allowed: bool = False, reason: str = "") -> dict[str, Any]:
    return {"status": status, "allowed_failure": allowed, "reason": reason}


def said(status: str, how: str = "ended", blocked: tuple[str, ...] = (), **jobs: Any) -> str:
    failed = [name for name, ended in jobs.items() if ended == job("failed")]
    result = {"status": status, "failed": failed, "jobs": jobs}
    run = SimpleNamespace(result=result, how=how, blocked=blocked)
    return next(iter(verdict(run)))  # type: ignore[arg-type]


FAILED, WARNED = job("failed"), job("failed", allowed=True)
NONE = job("absent", reason="no pipeline: the rules leave no jobs")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (said("passed", a=job()), "pipeline passed"),
        (said("passed", a=WARNED), "pipeline passed with warnings (a)"),
        (said("failed", a=FAILED, b=FAILED), "pipeline failed: a, b"),
        (said("failed", a=FAILED, b=WARNED), "pipeline failed: a; warnings: b"),
        (said("skipped"), "pipeline skipped: the rules of includes leave no jobs"),
        (said("skipped", a=NONE, b=NONE), "pipeline skipped: the rules leave no jobs"),
        (said("skipped", a=job("manual", reason="manual job")), "pipeline skipped"),
        (said("canceled", "stopped"), "pipeline canceled"),
        (said("canceled", "stopped", a=FAILED), "pipeline canceled; failed: a"),
        (said("manual", "waiting", ("go",)), "pipeline waiting for a person: go"),
        (
            said("manual", "waiting", ("go",), a=FAILED),
            "pipeline waiting for a person: go; failed: a",
        ),
        (
            said("canceled", "stopped", ("go",), a=FAILED, b=WARNED),
            "pipeline canceled; failed: a; never played: go; warnings: b",
        ),
    ],
)
def test_the_verdict_names_what_made_it(words: str, expected: str):
    """Whatever else happened, a failure is named."""
    assert words == expected


@pytest.mark.parametrize(
    ("reason", "said"),
    [("container 'build' (image x): ErrImagePull: no such host", 1), ("exit code 1", 0)],
)
def test_where_images_cannot_be_pulled_it_is_said_what_to_do(reason: str, said: int):
    """Once, for people without a registry who have an engine."""
    assert len(list(not_pulled([reason, reason]))) == said


def test_artifacts_are_counted_and_how_to_fetch_them_is_said():
    """One line for all jobs, and one that can be copied into the shell."""
    jobs = {
        "build": {"artifacts": [{"files": 2}]},
        "test": {"artifacts": []},
        "lint": {"artifacts": [{"files": 1}]},
    }

    assert list(artifacts({"jobs": jobs, "url": "http://a/dags/b/runs/c"})) == [
        "artifacts: build (2 files), lint (1 file)",
        "to fetch them: `gitlab-dags artifacts get http://a/dags/b/runs/c`",
    ]
    assert list(artifacts({"jobs": {"test": jobs["test"]}, "url": "u"})) == []


def test_jobs_that_did_not_run_for_the_same_reason_share_a_line():
    """After five hundred jobs there would be nothing else to read."""
    why = "when: on_success, but 'unit' failed"
    skipped = {f"job-{number}": {"status": "skipped", "reason": why} for number in range(500)}
    jobs = {
        "unit": {"status": "failed", "reason": "exit code 1"},
        **skipped,
        "slow": {"status": "canceled", "reason": "by hand"},
        "left": {"status": "absent", "reason": "no rule matches"},
    }
    assert list(not_run(jobs)) == [
        f"job-0, job-1, job-2, job-3, job-4 and 495 more were skipped: {why}",
        "slow was canceled: by hand",
    ]

"""What is seen of a run in a terminal that is too small for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gitlab_ci_provider.cli.display.rows import clock, counts, done, duration, rows
from gitlab_ci_provider.local.follow.progress import JobProgress

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def job(name: str, stage: str, status: str, **given: object) -> JobProgress:
    return JobProgress(name=name, stage=stage, status=status, task=None, **given)  # type: ignore[arg-type]


def stage(name: str, **states: int) -> list[JobProgress]:
    """Make jobs of a stage, so many of each state."""
    return [
        job(f"{name}-{status}-{number}", name, status)
        for status, count in states.items()
        for number in range(count)
    ]


BUSY = [
    *stage("build", success=9, failed=1),
    *stage("test", success=20, running=2, failed=1, pending=7),
    *stage("deploy", created=20),
]


def names(room: int, jobs: list[JobProgress] | None = None) -> list[str]:
    return [row.name for row in rows(BUSY if jobs is None else jobs, room, NOW)]


def test_everything_is_shown_where_it_fits():
    """Nothing is folded without need."""
    assert len(names(60)) == len(BUSY) == 60


@pytest.mark.parametrize("room", range(1, 60))
def test_a_picture_never_has_more_rows_than_there_are(room: int):
    """However small the terminal is."""
    assert 1 <= len(names(room)) <= room


def test_finished_stages_are_folded_first_and_their_failures_are_not():
    """What is over interests least, except what failed."""
    shown = names(52)

    assert shown[:3] == ["build-failed-0", "9 more jobs", "test-success-0"]
    assert "deploy-created-19" in shown


def test_what_fails_and_what_runs_stays_in_sight():
    """A row for each stage tells of the rest."""
    shown = [(row.stage, row.name, row.words) for row in rows(BUSY, 8, NOW)]

    assert shown == [
        ("build", "build-failed-0", "failed"),
        ("", "9 more jobs", "9 success"),
        ("test", "test-running-0", "running"),
        ("", "test-running-1", "running"),
        ("", "test-failed-0", "failed"),
        ("", "27 more jobs", "7 pending, 20 success"),
        ("deploy", "20 jobs", "20 created"),
    ]


def test_as_many_running_jobs_are_seen_as_there_is_room():
    """The others of a large stage are counted."""
    assert names(3, stage("test", running=50)) == [
        "test-running-0",
        "test-running-1",
        "48 more jobs",
    ]


def test_the_smallest_picture_is_of_failures():
    """When not even a row a stage fits, what failed is left."""
    assert names(3) == ["build-failed-0", "test-failed-0", "3 more rows"]


def test_of_many_stages_those_that_move_are_seen():
    """Not the first ones, which have ended long ago; each with its name."""
    many = [
        *(job(f"j{place}", f"stage {place}", "success") for place in range(50)),
        *stage("stage 50", success=1, running=1),
        *stage("stage 51", created=2),
    ]

    shown = [(row.stage, row.name) for row in rows(many, 3, NOW)]

    assert shown == [("stage 0", "j0"), ("stage 50", "2 jobs"), ("", "50 more rows")]


def test_rows_that_look_alike_are_counted_one_by_one():
    """Folded stages with as many jobs differ in their names only."""
    alike = [one for place in range(9) for one in stage(f"s{place}", failed=1, success=2)]

    assert len(names(12, alike)) == 12


def test_a_running_job_shows_how_long_it_has_been():
    """In whole seconds, from when its task was started."""
    running = job("a", "b", "running", started="2026-01-31T11:58:53.4+00:00")
    ended = job("a", "b", "success", duration=4.72, started="2026-01-31T11:00:00+00:00")

    assert (duration(running, NOW), duration(ended, NOW)) == ("1:06", "4.7 s")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.9, "59 s"), (60, "1:00"), (3661, "1:01:01")]
)
def test_times_are_short(seconds: float, text: str):
    """Seconds, then minutes, then hours."""
    assert clock(seconds) == text


def test_jobs_that_are_not_in_the_pipeline_do_not_count():
    """The sum is of what can end."""
    assert done([*stage("a", success=2, absent=5, running=1)]) == (2, 3)
    assert counts(stage("a", success=2, running=1)) == "1 running, 2 success"

"""The live table of a run on narrow terminals."""

from __future__ import annotations

import io

import pytest

from gitlab_ci_provider.airflow_api.client import TaskState
from gitlab_ci_provider.cli.display.progress import Progress, Style, shortened
from gitlab_ci_provider.local.follow.progress import JobProgress, RunProgress

ATTACK = "\x1b[2J"


def state(place: int, number: int) -> str:
    """Half of the jobs have ended, one badly; a tenth runs, next to others that wait."""
    if place == 1:
        return "failed"
    if place < number // 2:
        return "success"
    return "running" if place < number * 6 // 10 else "created"


def shown(number: int, columns: int, run: str = "running", **style: bool) -> list[str]:
    """Draw a run of many jobs as a terminal of some size shows it."""
    from rich.console import Console

    jobs = tuple(
        JobProgress(
            name=f"job {place}: [linux, python3.13] {ATTACK}",
            stage=f"a stage with a long name {place * 4 // number}",
            status=state(place, number),
            task=None,
            duration=3.2,
        )
        for place in range(number)
    )
    progress = Progress(Style(**style))
    console = Console(file=io.StringIO(), width=columns, height=24, color_system=None)
    progress._picture.console = console
    progress.show(RunProgress(state=run, jobs=jobs, tasks={}))
    with console.capture() as captured:
        console.print(progress._render())
    return captured.get().splitlines()


@pytest.mark.parametrize("number", [10, 500])
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_states_and_times_are_never_cut(number: int, columns: int):
    """Names share what is left; the total stays on one line, below a failed job that is pinned."""
    lines = shown(number, columns)

    assert max(map(len, lines)) <= columns
    assert len(lines) < 24
    (failed,) = [line for line in lines if "failed" in line and "jobs," not in line]
    assert failed.split()[-3:] == ["failed", "3.2", "s"]
    assert f"{number // 2}/{number} jobs, " in lines[-1]


def test_where_nothing_is_drawn_a_state_is_one_line(capsys: pytest.CaptureFixture[str]):
    """A task that is handed from a worker to the triggerer runs on; another try is said."""
    progress = Progress()

    for status, number in (("running", 1), ("pending", 1), ("running", 1), ("running", 2)):
        task = TaskState(
            id="i", task_id="a", state=None, try_number=number, started=None, duration=None
        )
        job = JobProgress(name="a", stage="test", status=status, task=task)
        progress.show(RunProgress(state="running", jobs=(job,), tasks={}))

    lines = [line.split()[1:] for line in capsys.readouterr().err.splitlines()]
    assert lines == [["running", "test", "/", "a"], ["running", "test", "/", "a", "try", "2"]]


def test_logs_that_are_followed_have_half_of_the_terminal():
    """The table would fill it, and lines would be gone before they are read; at the end it may."""
    assert len(shown(500, 80, logs=True)) < 12
    assert len(shown(500, 80, "success", logs=True)) > 12


@pytest.mark.parametrize(
    ("name", "seen"),
    [("unit: [linux, 3.13]", "unit: …3.13]"), ("unit: [3.13]", "unit: [3.13]")],
)
def test_what_names_end_with_is_seen(name: str, seen: str):
    """Jobs of a matrix, or numbered ones, begin alike."""
    assert shortened(name, 12) == seen


def test_wide_letters_are_counted_as_two_columns():
    """Else the table breaks."""
    from rich.cells import cell_len

    rooms = [12, 11, 10, 5]
    assert [cell_len(shortened("日本語日本語", room)) for room in rooms] == rooms


def test_names_do_not_reach_the_terminal_unescaped():
    """A job's name cannot clear the screen."""
    assert ATTACK not in "".join(shown(10, 200))

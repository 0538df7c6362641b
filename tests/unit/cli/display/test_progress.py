"""The live table of a run on narrow terminals."""

from __future__ import annotations

import io

import pytest

from gitlab_ci_provider.cli.display.progress import Progress
from gitlab_ci_provider.local.follow.progress import JobProgress, RunProgress

ATTACK = "\x1b[2J"


def state(place: int, number: int) -> str:
    """Half of the jobs have ended, one badly; a tenth runs, next to others that wait."""
    if place == 1:
        return "failed"
    if place < number // 2:
        return "success"
    return "running" if place < number * 6 // 10 else "created"


def shown(number: int, columns: int, rows: int = 24) -> list[str]:
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
    progress = Progress()
    console = Console(file=io.StringIO(), width=columns, height=rows, color_system=None)
    progress._picture.console = console
    progress.show(RunProgress(state="running", jobs=jobs, tasks={}))
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


def test_names_do_not_reach_the_terminal_unescaped():
    """A job's name cannot clear the screen."""
    assert ATTACK not in "".join(shown(10, 200))

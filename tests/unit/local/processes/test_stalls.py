"""Waiting for as long as something moves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from gitlab_ci_provider.local.processes.stalls import Movement, Patience, movement

HOUR = 3600


def patience(seen: list[Movement], times: list[float]) -> Patience:
    """Make one that sees these movements at these times; it looks once when it is made."""
    return Patience(lambda: seen.pop(0), seconds=60, clock=lambda: times.pop(0))


def test_a_slow_process_that_works_is_given_hours():
    """However long it takes: while the processor is used, nobody gives up."""
    seen = [Movement(cpu=10.0 * number, written=0) for number in range(10)]
    waiting = patience(seen, [number * HOUR / 2 for number in range(20)])

    assert not any(waiting.is_over() for _ in range(9))


def test_a_growing_log_is_work():
    """A process that waits for the disk uses no processor; its log tells that it goes on."""
    seen = [Movement(cpu=0, written=number) for number in range(10)]
    waiting = patience(seen, [number * HOUR / 2 for number in range(20)])

    assert not any(waiting.is_over() for _ in range(9))


def test_a_process_that_hangs_is_given_up():
    """Nothing moves for the time given: it is over. Ticking away milliseconds is not moving."""
    seen = [Movement(cpu=0.01 * number, written=5) for number in range(3)]
    waiting = patience(seen, [0, 30, 61])

    assert not waiting.is_over()
    assert waiting.is_over()


def test_a_tree_of_processes_counts_with_all_that_it_has_ended(tmp_path: Path):
    """The work of children counts, also of those that have ended, and the size of the logs."""
    log = tmp_path / "log"
    log.write_text("12345")
    script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    before = movement(os.getpid(), log)

    subprocess.run(["sh", "-c", script], check=True)

    assert movement(os.getpid(), log).cpu > before.cpu
    assert before.written == 5


def test_a_process_that_has_gone_does_not_move(tmp_path: Path):
    """Looking at something that no longer exists is not an error."""
    process = subprocess.Popen(["true"])
    process.wait()

    assert movement(process.pid, tmp_path / "none") == Movement(cpu=0.0, written=0)

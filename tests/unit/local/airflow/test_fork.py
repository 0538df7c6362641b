"""Processes that are forked from one which has everything imported."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitlab_ci_provider.local.airflow.fork import fork
from gitlab_ci_provider.local.airflow.worker import find_workers, start_worker
from processes.waiting import wait_until


def code_of(pid: int) -> int:
    """Wait for a child."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_child_writes_into_its_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What a component prints, by Python or below it, is in its own log."""
    log = tmp_path / "log"

    def run() -> None:
        sys.stdout.write("from Python\n")
        subprocess.run(["echo", "from a program"], check=True)

    with capsys.disabled():
        assert code_of(fork(run, log=log)) == 0
    assert sorted(log.read_text().splitlines()) == ["from Python", "from a program"]


@pytest.mark.parametrize(("given", "code"), [(0, 0), (None, 0), (3, 3), ("words", 1)])
def test_a_child_ends_with_its_own_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: object, code: int
):
    """`sys.exit` in a component ends the component, not what its parent would do next."""
    log = tmp_path / "log"

    with capsys.disabled():
        assert code_of(fork(lambda: sys.exit(given), log=log)) == code  # type: ignore[arg-type]
    assert log.read_text() == ("words\n" if given == "words" else "")


def test_a_crash_is_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Why a component has died can be read."""
    log = tmp_path / "log"

    with capsys.disabled():
        assert code_of(fork(lambda: vars(sys)["what was missing"], log=log)) == 1
    assert "KeyError: 'what was missing'" in log.read_text()


def test_a_child_dies_with_its_parent(tmp_path: Path):
    """Kill -9 of the parent ends what it has forked."""
    pids = tmp_path / "pid"

    def parent() -> None:
        child = fork(signal.pause)
        pids.write_text(str(child))
        signal.pause()

    pid = fork(parent)
    child = _pidfd(pids)
    os.kill(pid, signal.SIGKILL)
    code_of(pid)

    assert _ends(child)


def test_a_worker_that_ends_has_come_to_its_end():
    """A worker's end is seen at once; one that returned has done what it was for."""
    worker = start_worker("worker one", lambda: None)
    select.select([worker.descriptor], [], [], 30)

    assert worker.has_ended()
    assert worker.close()


def test_a_killed_worker_has_not_come_to_its_end(tmp_path: Path):
    """Kill -9 of a worker is seen at once, also while a process that it has forked still lives."""
    pids = tmp_path / "pid"

    def work() -> None:
        if os.fork() == 0:
            signal.pause()
        pids.write_text(str(os.getpid()))
        signal.pause()

    worker = start_worker("worker two", work)
    _pidfd(pids)
    assert not worker.has_ended()
    os.kill(int(pids.read_text()), signal.SIGKILL)
    select.select([worker.descriptor], [], [], 30)

    assert worker.has_ended()
    assert not worker.close()


def test_the_process_of_a_task_dies_with_its_worker(tmp_path: Path):
    """Nothing of a task goes on when nobody supervises it any more."""
    pids = tmp_path / "pid"

    def work() -> None:
        task = os.fork()
        if task == 0:
            pids.write_text(f"{os.getppid()} {os.getpid()}")
        signal.pause()

    worker = start_worker("worker three", work)
    _wait_for(pids)
    supervisor, task = map(int, pids.read_text().split())
    watched = os.pidfd_open(task)
    os.kill(supervisor, signal.SIGKILL)

    assert _ends(watched)
    worker.close()


def test_a_worker_outlives_the_scheduler_and_is_found_again(tmp_path: Path):
    """Kill -9 of a scheduler leaves its workers to the process above it, and the next scheduler.

    All of them: a task that was resumed can have two for a moment.
    """
    title, go = "airflow worker -- LocalExecutor: 0190-found-again", tmp_path / "go"
    os.mkfifo(go)

    def scheduler() -> None:
        start_worker(title, lambda: os.close(os.open(go, os.O_RDONLY)))
        start_worker(title, lambda: os.close(os.open(go, os.O_RDONLY)))
        signal.pause()

    pid = fork(scheduler)
    wait_until(lambda: len(find_workers(title)) == 2, "the workers of the scheduler")
    found = find_workers(title)
    os.kill(pid, signal.SIGKILL)
    code_of(pid)
    assert not any(worker.has_ended() for worker in found)
    for worker in found:
        while not worker.has_ended():  # opening the FIFO frees all that wait by then
            os.close(os.open(go, os.O_RDWR))
            select.select([worker.descriptor], [], [], 0.1)

    assert all(worker.close() for worker in found)
    assert find_workers(title) == []


def _wait_for(path: Path) -> None:
    wait_until(lambda: path.exists() and path.read_text(), f"a process that writes {path}")


def _pidfd(path: Path) -> int:
    _wait_for(path)
    return os.pidfd_open(int(path.read_text()))


def _ends(descriptor: int) -> bool:
    ended, _, _ = select.select([descriptor], [], [], 30)
    os.close(descriptor)
    return bool(ended)

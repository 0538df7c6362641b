"""Processes of the stack: started, watched, ended with all they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.processes.process import start, stop, wait_until

STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


def test_output_goes_to_the_log(tmp_path: Path):
    """What a process says is in its file when one asks why it failed."""
    process = start("part", ["sh", "-c", "echo words; exit 3"], environment={}, log=tmp_path / "l")
    process.popen.wait()

    with pytest.raises(StackError, match=r"part ended with code 3[\s\S]*words"):
        process.check()


def test_a_missing_program_is_named(tmp_path: Path):
    """The error says which program is missing."""
    with pytest.raises(StackError, match="no-such-program"):
        start("part", ["no-such-program"], environment={}, log=tmp_path / "l")


def test_waiting_ends_with_the_process(tmp_path: Path):
    """Nobody waits for a process that has ended."""
    process = start("part", ["false"], environment={}, log=tmp_path / "l")

    with pytest.raises(StackError, match="part ended"):
        wait_until(lambda: False, process, seconds=60)


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path):
    """Stopping is certain, also for a process that does not want to end."""
    log = tmp_path / "l"
    process = start("part", ["sh", "-c", STUBBORN], environment={}, log=log)
    wait_until(lambda: "ready" in log.read_text(), process, seconds=30)

    stop([process], seconds=3)

    assert process.popen.returncode == -9


def test_a_killed_parent_takes_its_processes_along(tmp_path: Path):
    """Also after kill -9 of the supervisor nothing goes on."""
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from gitlab_ci_provider.local.processes.process import start\n"
        "p = start('child', ['sleep', '600'], environment={}, log=Path(sys.argv[1]))\n"
        "print(p.popen.pid, flush=True)\ntime.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "l")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    watcher = os.pidfd_open(child)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    import select

    ended, _, _ = select.select([watcher], [], [], 30)
    os.close(watcher)
    assert ended


def test_logs_of_the_last_starts_are_kept(tmp_path: Path):
    """What a process wrote before it was started again can still be read, four starts long."""
    log = tmp_path / "part.log"
    for number in range(7):
        start("part", ["echo", str(number)], environment={}, log=log).popen.wait()

    kept = {path.name: path.read_text().strip() for path in tmp_path.iterdir()}

    assert kept == {"part.log": "6"} | {f"part.log.{age}": str(6 - age) for age in range(1, 5)}


def test_python_may_write_its_bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The caller's PYTHONDONTWRITEBYTECODE would make each start compile everything again."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    log = tmp_path / "l"
    start("part", ["env"], environment={}, log=log).popen.wait()

    assert "PYTHONDONTWRITEBYTECODE" not in log.read_text()


def test_a_process_that_hangs_is_given_up_with_its_words(tmp_path: Path):
    """The error says that it does nothing, and where to read more."""
    process = start(
        "part", ["sh", "-c", "echo stuck; sleep 600"], environment={}, log=tmp_path / "l"
    )

    with pytest.raises(StackError, match=r"part has made no progress for 1 s[\s\S]*stuck"):
        wait_until(lambda: False, process, seconds=1)
    stop([process])


def test_what_is_started_hears_signals(tmp_path: Path):
    """Also when its parent waits for signals that it has blocked, as the supervisor does.

    A cluster that was started again never heard of the ends of its pods' processes.
    """
    log = tmp_path / "log"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
    try:
        command = ["grep", "SigBlk", "/proc/self/status"]
        start("grep", command, environment={}, log=log).popen.wait()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    assert int(log.read_text().split()[1], 16) == 0

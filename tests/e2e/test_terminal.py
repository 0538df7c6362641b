"""`gitlab-dags run` as a person sees it in a terminal, and interrupts it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from e2e.embedded import COMMAND, Stack, make_repository
from e2e.runs import wait_for
from processes.waiting import PATIENCE

BLOCKING = """
stages: [build, deploy]
unit: {stage: build, script: [echo "it failed", exit 2], allow_failure: true}
approve: {stage: deploy, script: echo approved, when: manual, allow_failure: false}
"""

SLOW = """
stages: [build, deploy]
slow: {stage: build, script: [echo begun, sleep 600]}
later: {stage: deploy, script: echo later}
"""


class Terminal:
    """The command in a terminal of some size."""

    def __init__(self, stack: Stack, *arguments: str, rows: int = 24, columns: int = 80):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**stack.environment(), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self.seen = ""

    def shows(self, text: str) -> bool:
        """Return whether a text has been seen so far."""
        with suppress(BlockingIOError, OSError):
            while data := os.read(self._ours, 65536):
                self.seen += data.decode(errors="replace")
        return text in self.seen

    def wait_for(self, text: str) -> None:
        """Wait until a text is seen."""
        wait_for(lambda: self.shows(text))

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """Wait for the end and give the exit code."""
        wait_for(lambda: bool(self.shows("\0")) or self.process.poll() is not None)
        self.shows("")
        os.close(self._ours)
        return self.process.returncode


def test_a_person_is_asked_to_play_what_the_pipeline_waits_for(stack: Stack, tmp_path: Path):
    """The table shows the states, the answer goes on with the pipeline, the verdict is the last."""
    repository = make_repository(tmp_path / "asked", {".gitlab-ci.yml": BLOCKING})
    terminal = Terminal(stack, "run", stack.address(repository), rows=10, columns=60)

    terminal.wait_for("leave it waiting:")
    terminal.type("y\n")
    code = terminal.end()

    assert code == 0
    assert "blocked" in terminal.seen
    assert "pipeline passed with warnings (unit)" in terminal.seen
    assert "Traceback" not in terminal.seen


def test_what_is_left_waiting_is_still_there(stack: Stack, tmp_path: Path):
    """A no leaves the pipeline to people who open the UI, and says how to play it there."""
    repository = make_repository(tmp_path / "left", {".gitlab-ci.yml": BLOCKING})
    terminal = Terminal(stack, "run", stack.address(repository))

    terminal.wait_for("leave it waiting:")
    terminal.type("n\n")
    code = terminal.end()

    assert code == 1
    assert "waiting for a person: approve" in terminal.seen
    assert "Required Actions" in terminal.seen


def test_the_log_of_a_job_is_read_along(stack: Stack, tmp_path: Path):
    """`--follow` shows the log while the job runs; Ctrl-C stops the pipeline and reports it."""
    repository = make_repository(tmp_path / "followed", {".gitlab-ci.yml": SLOW})
    terminal = Terminal(stack, "run", stack.address(repository), "--follow", "slow")

    terminal.wait_for("begun\r\n")
    assert terminal.process.poll() is None
    terminal.process.send_signal(signal.SIGINT)
    code = terminal.end()

    assert code == 130
    assert "pipeline canceled" in terminal.seen
    assert "Traceback" not in terminal.seen
    wait_for(lambda: stack.pods(repository) == [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ending_the_command_ends_the_pipeline(stack: Stack, tmp_path: Path, number: signal.Signals):
    """A closed terminal or a `kill` is an interrupt, too: the JSON tells of it."""
    repository = make_repository(tmp_path / number.name, {".gitlab-ci.yml": SLOW})
    environment = stack.environment()
    log = tmp_path / "err"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [COMMAND, "run", stack.address(repository), "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        wait_for(lambda: "running  build / slow" in log.read_text())
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert b'"status": "canceled"' in out
    assert "Traceback" not in log.read_text()

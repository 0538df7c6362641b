"""The helper ends when its output has been read: a busy node would lose the end of the log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitlab_ci_provider.helper.unread import wait_until_read


class Clock:
    """A clock that moves on by some seconds with each look, and by what is slept."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.slept = 0.0
        self._step = step

    def __call__(self) -> float:
        self.now += self._step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe; the test may close the end to read from."""
    reader, writer = os.pipe()
    yield reader, writer
    os.close(writer)


def test_what_is_written_is_waited_for_until_it_is_read(pipe: tuple[int, int]):
    """Not less, and not more."""
    reader, writer = pipe
    os.write(writer, b"x" * 1000)
    with ThreadPoolExecutor(1) as helper:
        waiting = helper.submit(wait_until_read, writer)
        os.read(reader, 999)
        assert not waiting.done()
        os.read(reader, 1)
        waiting.result(60)
    os.close(reader)


def test_nobody_waits_for_a_reader_that_has_gone(pipe: tuple[int, int]):
    """Then nobody will ever read it."""
    reader, writer = pipe
    os.write(writer, b"unread")
    os.close(reader)

    wait_until_read(writer)


@pytest.mark.parametrize(("seconds", "longer"), [(0.3, 0.0), (5.0, 14.0)])
def test_a_slow_reader_gets_time_for_what_it_has_already_taken(
    pipe: tuple[int, int], seconds: float, longer: float
):
    """It holds up to three times as much as the pipe, and has a second for that anyway."""
    clock = Clock(seconds)

    wait_until_read(pipe[1], clock, clock.sleep)

    assert clock.slept == pytest.approx(longer)
    os.close(pipe[0])


def test_of_a_file_nothing_is_known(tmp_path: Path):
    """Nobody has to read it."""
    with (tmp_path / "log").open("wb") as log:
        log.write(b"whatever")
        log.flush()

        wait_until_read(log.fileno())

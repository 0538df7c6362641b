"""The log of a container: what is visible when, and under which time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_cluster.kubelet.logs import ContainerLog, LogOptions


@pytest.fixture
def log(tmp_path: Path):
    opened = ContainerLog(tmp_path / "0.log")
    yield opened
    opened.close()


def read(log: ContainerLog, **options: Any) -> bytes:
    async def gather() -> bytes:
        return b"".join([piece async for piece in log.read(LogOptions(**options))])

    return asyncio.run(gather())


def test_part_of_a_line_is_held_back(log: ContainerLog):
    """A line is visible once it is complete, or its stream has ended."""
    log.write("stdout", b"one\ntw")
    before = read(log)
    log.write("stdout", b"o\nthr")
    log.write("stdout", b"")

    assert before == b"one\n"
    assert read(log) == b"one\ntwo\nthr"


def test_streams_do_not_mix_within_a_line(log: ContainerLog):
    """Halves of lines of both streams wait for their own other half."""
    log.write("stdout", b"out")
    log.write("stderr", b"err")
    log.write("stdout", b" 1\n")
    log.write("stderr", b" 2\n")

    assert read(log) == b"out 1\nerr 2\n"


def test_very_long_lines_are_not_kept_in_memory(log: ContainerLog):
    """A line without an end is written in pieces, with one time at its beginning."""
    for _ in range(5):
        log.write("stdout", b"x" * 50_000)
    log.write("stdout", b"end\n")

    assert read(log) == b"x" * 250_000 + b"end\n"
    stamped = read(log, timestamps=True)
    assert stamped.count(b"Z ") == 1
    assert stamped.endswith(b"xend\n")


def test_empty_and_odd_lines_have_times_too(log: ContainerLog):
    """Empty lines, carriage returns and NUL bytes are lines like any other."""
    log.write("stdout", b"\n\r\n\x00\n")

    stamped = read(log, timestamps=True).split(b"\n")

    assert [line[31:] for line in stamped[:-1]] == [b"", b"\r", b"\x00"]


def test_times_do_not_depend_on_where_reading_begins(log: ContainerLog):
    """A tail shows the same times as the whole."""
    log.write("stdout", b"".join(b"line %d\n" % number for number in range(1000)))
    log.write("stderr", b"last\n")

    whole = read(log, timestamps=True).splitlines()

    assert read(log, timestamps=True, tail=3).splitlines() == whole[-3:]


def test_since_finds_the_line_within_a_batch(log: ContainerLog):
    """Lines that arrived together can be told apart by their times."""
    log.write("stdout", b"a\nb\nc\n")
    first = read(log, timestamps=True).splitlines()[0].split()[0].decode()
    nanoseconds = int(first[20:29])
    import datetime as dt

    second = int(dt.datetime.fromisoformat(first[:19] + "+00:00").timestamp())

    assert read(log, since=second * 10**9 + nanoseconds + 1) == b"b\nc\n"
    assert read(log, since=second * 10**9 + nanoseconds + 9) == b""


@pytest.mark.parametrize(("lines", "tail"), [(0, b""), (1, b"c"), (2, b"b\nc"), (9, b"a\nb\nc")])
def test_tail_counts_a_last_line_without_end(log: ContainerLog, lines: int, tail: bytes):
    """What comes after the last newline is a line."""
    log.write("stdout", b"a\nb\nc")
    log.close()

    assert read(log, tail=lines) == tail


def test_follower_sees_what_is_written_later(log: ContainerLog):
    """It waits for more until the log is closed."""

    async def scenario() -> bool:
        pieces: asyncio.Queue[bytes] = asyncio.Queue()

        async def follow() -> None:
            async for piece in log.read(LogOptions(follow=True)):
                pieces.put_nowait(piece)

        task = asyncio.create_task(follow())
        for text in (b"a\n", b"b\n"):
            log.write("stdout", text)
            assert await pieces.get() == text
        log.close()
        await task
        return pieces.empty()

    assert asyncio.run(scenario())


def test_last_words_are_cut_to_lines_and_bytes(log: ContainerLog):
    """As `FallbackToLogsOnError` takes them."""
    log.write("stdout", b"".join(b"%03d\n" % number for number in range(100)))

    assert log.tail(2, 100) == b"098\n099\n"
    assert log.tail(80, 6) == b"8\n099\n"

"""Numbered lines: what was written comes out again, and what is missing is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.model.log_frames import FrameReader, FrameWriter

TEXTS = [
    "unable to retrieve container logs for containerd://4f1c",
    "404 page not found",
    "502 Bad Gateway",
    "rpc error: code = NotFound desc = 12|13 is gone",
    "2026-11-28T14:00:00.1Z some line of the job",
    "@home",
    "|",
    "12",
    "",
]


def framed(*pieces: bytes) -> tuple[bytes, int]:
    """Write pieces; return the log and how many lines it has."""
    log: list[bytes] = []
    writer = FrameWriter(log.append, iter(range(1_700_000_000, 2_000_000_000)).__next__)
    for piece in pieces:
        writer.write(piece)
    return b"".join(log), writer.count


def read(reader: FrameReader, data: bytes) -> bytes:
    parts = list(reader.feed(data))
    assert not [part for part in parts if isinstance(part, int)]
    return b"".join(part for part in parts if isinstance(part, bytes))


@given(st.lists(st.binary() | st.sampled_from([b"\n", b"a|b/c\n", b"12|x\n", b"@5\n"])), st.data())
def test_any_bytes_come_back_once_however_the_connection_breaks(
    pieces: list[bytes], data: st.DataObject
):
    """Cut anywhere, restarted anywhere before: no byte is lost, doubled or changed."""
    log, count = framed(*pieces)
    reader, shown, at = FrameReader(), b"", 0
    while at < len(log):
        start = log.rfind(b"\n", 0, data.draw(st.integers(0, at))) + 1
        end = data.draw(st.integers(at + 1, len(log)))
        for begin in range(start, end, 7):
            shown += read(reader, log[begin : min(begin + 7, end)])
        reader.hang_up()
        at = end

    assert shown == b"".join(pieces)
    assert reader.last == count


def test_long_lines_are_kept_in_pieces_that_runtimes_do_not_cut():
    """A line of a megabyte, with and without an end."""
    text = b"x" * 1_000_000
    log, _ = framed(text + b"\n" + text)

    assert max(map(len, log.split(b"\n"))) < 16_384
    assert read(FrameReader(), log) == text + b"\n" + text


def test_lost_lines_are_counted_in_their_place():
    """Between what was before them and what came after."""
    log, _ = framed(*(b"line %d\n" % number for number in range(10)))
    frames = [line for line in log.splitlines(keepends=True) if line[:1] != b"@"]

    parts = list(FrameReader().feed(b"".join(frames[:3] + frames[7:])))

    assert parts == [b"line 0\nline 1\nline 2\n", 4, b"line 7\nline 8\nline 9\n"]


def test_who_leaves_at_a_gap_has_not_read_what_follows():
    """So that asking for everything again brings it."""
    log, _ = framed(*(b"line %d\n" % number for number in range(4)))
    frames = [line for line in log.splitlines(keepends=True) if line[:1] != b"@"]
    reader = FrameReader()
    read(reader, frames[0])

    assert next(reader.feed(frames[2])) == 1
    reader.hang_up()
    assert read(reader, log) == b"line 1\nline 2\nline 3\n"


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("end", ["", "\n"])
def test_texts_of_the_api_are_no_output(text: str, end: str):
    """They are kept to be told, and lines of the job are read on behind them."""
    log, _ = framed(b"one\n", b"two\n")
    reader = FrameReader()

    assert read(reader, f"{text}{end}".encode()) == b""
    reader.hang_up()
    assert read(reader, log) == b"one\ntwo\n"


def test_the_time_is_told_with_the_lines():
    """A client that reconnects knows how far to go back; half a time does not count."""
    log, _ = framed(b"one\n")
    reader = FrameReader()
    read(reader, log)
    read(reader, b"@17")
    reader.hang_up()

    assert reader.time == 1_700_000_000


def test_garbage_without_an_end_fills_no_memory():
    """Whatever answers instead of the API."""
    reader = FrameReader()
    for _ in range(100):
        read(reader, b"<html>" * 20_000)

    assert read(reader, b"\n1|one\n") == b"one\n"


def test_a_line_that_waits_for_its_rest_is_told():
    """Once, however often time is told then; the rest comes when it comes."""
    log: list[bytes] = []
    writer = FrameWriter(log.append, iter(range(1_700_000_000, 2_000_000_000)).__next__)
    for text in (b"one\n", b"continue? "):
        writer.write(text)
        writer.pause()
    writer.tick()
    writer.write(b"yes\n")

    assert list(FrameReader().feed(b"".join(log))) == [b"one\ncontinue? ", b"", b"yes\n"]

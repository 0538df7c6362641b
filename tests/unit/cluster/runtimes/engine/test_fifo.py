"""From the records of conmon to what a container has written."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from gitlab_ci_cluster.runtimes.engine.fifo import LogFifo, read_records
from gitlab_ci_cluster.runtimes.interface import Stream

TIME = b"2026-11-29T10:01:04.740025033+00:00"


def record(stream: str, kind: str, content: bytes) -> bytes:
    return b"%s %s %s %s\n" % (TIME, stream.encode(), kind.encode(), content)


def test_records_give_what_was_written():
    """Whole lines have their end, parts of lines have none, and blanks stay."""
    data = (
        record("stdout", "F", b"a  b ")
        + record("stdout", "P", b"c")
        + record("stderr", "F", b"")
        + record("stdout", "F", b"\x00\xff\r")
    )

    assert list(read_records(data)) == [
        ("stdout", b"a  b \nc"),
        ("stderr", b"\n"),
        ("stdout", b"\x00\xff\r\n"),
    ]


def test_a_fifo_delivers_all_whatever_pieces_it_comes_in(tmp_path: Path):
    """A record may come in two reads; nothing is left in the FIFO, nor the FIFO itself."""
    said: list[tuple[Stream, bytes]] = []
    data = record("stdout", "F", b"first") + record("stderr", "P", b"second")

    async def read() -> None:
        fifo = LogFifo(tmp_path / "log", lambda stream, data: said.append((stream, data)))
        writer = os.open(tmp_path / "log", os.O_WRONLY)
        fifo.was_opened()
        for at in range(0, len(data) - 5, 5):
            os.write(writer, data[at : at + 5])
            await asyncio.sleep(0)
        os.write(writer, data[at + 5 :])
        os.close(writer)
        fifo.finish()
        fifo.finish()

    asyncio.run(read())

    assert said == [("stdout", b"first\n"), ("stderr", b"second")]
    assert list(tmp_path.iterdir()) == []

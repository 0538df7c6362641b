"""How the helper writes its container's log: in numbered lines, so that lost lines are noticed.

Connections break, nodes rotate logs away, and the API answers with texts of its own. Nothing in
a job's output shows any of that, and times do not distinguish lines of the same moment.
So each line carries a number, see docs/adr/0021-one-numbered-log.md:

    12|text         line 12
    13/text         the same, but the line goes on: it is longer than runtimes keep in one piece,
                    or has not been finished yet
    @1764339600     the time: a client that reconnects knows from when on it needs the log; after
                    an unfinished line, that the rest may take a while

Whatever else is in the log was not written by the helper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_LONGEST = 16_000
"""Bytes of a piece; containerd and Docker cut at 16 KiB, and could lose one half."""

_LONGEST_STRANGE = 1 << 20
"""Bytes of text that is not one of our lines."""

_MOST_DIGITS = 15


class FrameWriter:
    """Numbers what is written.

    Args:
        write: takes the numbered lines.
        clock: tells the seconds since 1970.

    Attributes:
        count: numbers given so far.
    """

    def __init__(self, write: Callable[[bytes], object], clock: Callable[[], int]):
        self.count = 0
        self._write = write
        self._clock = clock
        self._told = 0
        self._open = False

    def write(self, data: bytes) -> None:
        """Write lines; text after the last line end begins a new line."""
        if not data:
            return
        *lines, rest = data.split(b"\n")
        frames = [self._time(), *self._lines(lines)]
        if rest:
            frames += self._pieces(rest)
        self._open = bool(rest)
        self._write(b"".join(frames))

    def end_line(self) -> None:
        """End a line that will not be continued."""
        if self._open:
            self.write(b"\n")

    def pause(self) -> None:
        """Say that the rest of an unfinished line may take a while."""
        if self._open:
            self._told = 0
            self.tick()

    def tick(self) -> None:
        """Write that the helper is still alive."""
        self._write(self._time())

    def _time(self) -> bytes:
        now = self._clock()
        if now == self._told:
            return b""
        self._told = now
        return b"@%d\n" % now

    def _lines(self, lines: list[bytes]) -> Iterator[bytes]:
        first, self.count = self.count + 1, self.count + len(lines)
        if max(map(len, lines), default=0) <= _LONGEST:
            yield from (b"%d|%s\n" % numbered for numbered in enumerate(lines, first))
            return
        self.count = first - 1
        for line in lines:
            end = (max(len(line), 1) - 1) // _LONGEST * _LONGEST
            yield from self._pieces(line[:end])
            self.count += 1
            yield b"%d|%s\n" % (self.count, line[end:])

    def _pieces(self, text: bytes) -> Iterator[bytes]:
        for at in range(0, len(text), _LONGEST):
            self.count += 1
            yield b"%d/%s\n" % (self.count, text[at : at + _LONGEST])


class FrameReader:
    """Restores what was written, each line once, however often and in whatever pieces it arrives.

    Args:
        last, time: where another reader has stopped.

    Attributes:
        last: the number of the last line.
        whole: the number of the last line that does not go on.
        time: the last time that was told, in seconds since 1970; 0 before.
        strange: the last line that is not one of ours.
    """

    def __init__(self, last: int = 0, time: int = 0) -> None:
        self.last = self.whole = last
        self.time = time
        self.strange = b""
        self._rest = b""
        self._open = False

    def feed(self, data: bytes) -> Iterator[bytes | int]:
        """Take the next bytes of a connection; yields what is new, and how many lines are missing.

        A caller that must not continue after a gap can stop there: nothing behind it has been read.
        Empty bytes mean that the line yielded last is unfinished and its rest may take a while.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        new: list[bytes] = []
        for line in lines:
            number, text = _parse(line)
            if number <= self.last:
                if not number and self._take_other(line):
                    yield from filter(None, (b"".join(new),))
                    new = []
                    yield b""
                continue
            if number > self.last + 1:
                yield from filter(None, (b"".join(new),))
                new = []
                yield number - self.last - 1
            self.last, self._open = number, not text.endswith(b"\n")
            if not self._open:
                self.whole = number
            new.append(text)
        yield from filter(None, (b"".join(new),))
        if len(self._rest) > _LONGEST_STRANGE:
            self._rest = b""

    def hang_up(self) -> None:
        """End a connection: drop half a line, which the next connection brings whole."""
        if self._rest and self._rest[0] not in b"@0123456789":
            self.strange = self._rest[:_LONGEST]
        self._rest = b""

    def _take_other(self, line: bytes) -> bool:
        """Read text that is not a line; True when time passes while a line is unfinished."""
        if line[:1] != b"@" or not line[1:].isdigit():
            self.strange = line[:_LONGEST]
            return False
        self.time = int(line[1 : _MOST_DIGITS + 1])
        waits, self._open = self._open, False
        return waits


def without_frames(data: bytes) -> bytes:
    """Return the text of a part of a log, including what the helper did not write itself.

    It may begin and end anywhere, so missing lines are not reported.
    """
    text = b""
    for line in data.splitlines(keepends=True):
        number, numbered = _parse(line.removesuffix(b"\n"))
        if number:
            text += numbered
        elif not (line[:1] == b"@" and line[1:].strip().isdigit()):
            text += line
    return text


def _parse(line: bytes) -> tuple[int, bytes]:
    """Read one line of the log; number 0 means that it is not one of ours."""
    head, found, text = line.partition(b"|")
    if found and head.isdigit() and len(head) <= _MOST_DIGITS:
        return int(head), text + b"\n"
    head, found, text = line.partition(b"/")
    if found and head.isdigit() and len(head) <= _MOST_DIGITS:
        return int(head), text
    return 0, b""

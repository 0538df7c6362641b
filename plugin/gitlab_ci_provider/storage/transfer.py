"""One transfer while it goes on: its time limit, and who is told how far it has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from gitlab_ci_provider.storage.base import Progress
from gitlab_ci_provider.storage.time_limit import TimeLimit

if TYPE_CHECKING:
    import urllib3

_MIB = 1024 * 1024


@dataclass(slots=True)
class Transfer:
    """An object on its way; several threads may move parts of it.

    Attributes:
        total: bytes of the object; 0 if not known.
    """

    limit: TimeLimit
    progress: Progress
    total: int = 0

    def moved(self, count: int) -> None:
        """Count bytes; raises TimeLimitError once the time is over."""
        self.limit.check()
        self.progress(count, self.total)

    def pieces(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Yield the body of an answer."""
        for piece in answer.stream(_MIB):
            self.moved(len(piece))
            yield piece


class SentFile:
    """A file that is being sent."""

    def __init__(self, file: IO[bytes], transfer: Transfer):
        self._file = file
        self._transfer = transfer

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        data = self._file.read(size)
        self._transfer.moved(len(data))
        return data

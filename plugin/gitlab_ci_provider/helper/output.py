"""The helper's own output: GitLab's log sections, the runner's colours, no secrets.

Everything goes to standard output in the order in which it happens, in numbered lines, see
`model/log_frames.py`; values of masked variables and the password of the repository become
`[MASKED]`, also in what git writes, see `variables/masking`.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from gitlab_ci_provider.model.log_frames import FrameWriter
from gitlab_ci_provider.variables.masking import Masker

_RESET = "\x1b[0;m"
_CLEAR = "\r\x1b[0K"


def unix_time() -> int:
    """Read the clock: seconds since 1970."""
    return int(time.clock_gettime(time.CLOCK_REALTIME))


def to_standard_output(data: bytes) -> None:
    """Write and flush at once: the log is followed while the job runs."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class Output:
    """Writes lines, secrets masked.

    Args:
        secrets: texts that must not appear; each line of a longer one counts.
        clock: for the section markers.
        log: numbers the lines; also takes what others have written, such as the job's scripts.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        clock: Callable[[], int] = unix_time,
        log: FrameWriter | None = None,
    ):
        self.secrets = tuple(secrets)
        self._masker = Masker(self.secrets)
        self._clock = clock
        self.log = log or FrameWriter(to_standard_output, unix_time)

    def mask(self, text: str) -> str:
        """Replace secrets."""
        return self._masker.text(text)

    def line(self, text: str) -> None:
        """Write a line as it is."""
        self._write(f"{text}\n")

    def notice(self, text: str) -> None:
        """Say what happens next."""
        self._write(f"\x1b[32;1m{text}{_RESET}\n")

    def warning(self, text: str) -> None:
        """Say what went wrong without harm to the job."""
        self._write(f"\x1b[0;33mWARNING: {text}{_RESET}\n")

    def error(self, text: str) -> None:
        """Say why the job fails."""
        self._write(f"\x1b[31;1mERROR: {text}{_RESET}\n")

    @contextmanager
    def section(self, name: str, heading: str) -> Iterator[None]:
        """Put GitLab's markers around a phase; they fold it in the log."""
        start = f"section_start:{self._clock()}:{name}{_CLEAR}"
        self._write(f"{start}\x1b[36;1m{heading}{_RESET}\n")
        try:
            yield
        finally:
            self._write(f"section_end:{self._clock()}:{name}{_CLEAR}\n")

    def _write(self, text: str) -> None:
        self.log.write(self._masker.mask(text.encode("utf-8", "surrogateescape")))


class StrayWords(io.TextIOBase):
    """Standard error of this process: what libraries say there belongs to the log, in its place."""

    def __init__(self, output: Output):
        self._output = output
        self._begun = ""

    def write(self, text: str) -> int:
        """Write whole lines; the beginning of one waits for its end."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._output.line(line)
        return len(text)

"""How `build` and `helper` communicate: a FIFO, without polling. Another one carries the output.

`prepare` makes it. The entry of the build container opens it for writing, which waits until
`finish` reads: the first to start waits for the other. The entry's last word is
`job <exit code>`. The kernel closes the FIFO whenever the entry is gone, so an end of file without
that word means that the build was killed. See docs/explanation/inside-the-pod.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from gitlab_ci_provider.helper.job_output import JobOutput

_WORD = b"job "
_LONGEST = 64 * 1024
"""Bytes that are kept: a job that finds the FIFO and fills it must not fill our memory."""


def make_fifo(path: Path) -> None:
    """Make the FIFO, writable for any user; replace that of an earlier start of the pod."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    path.chmod(0o666)


def wait_for_build(
    path: Path, met: Callable[[], object] = lambda: None, output: JobOutput | None = None
) -> int | None:
    """Wait until the build has ended; None when it could not report its exit code.

    Args:
        path: the FIFO with the build's messages.
        met: called once the build is connected: from then on its end is noticed.
        output: passes on what the build's scripts write, until their end.
    """
    kept = b""
    with path.open("rb", buffering=0) as events:
        met()
        while said := _next(events, output):
            kept = (kept + said)[-_LONGEST:]
    if output is not None:
        output.finish()
    return _exit_code(kept)


def _next(events: BinaryIO, output: JobOutput | None) -> bytes:
    if output is not None:
        output.pass_on_until(events.fileno())
    return events.read(4096)


def _exit_code(said: bytes) -> int | None:
    """Find the last complete `job` line."""
    for line in reversed(said.split(b"\n")[:-1]):
        if line.startswith(_WORD) and line[len(_WORD) :].isdigit():
            return int(line[len(_WORD) :])
    return None

"""The steps of a start, written as they happen, for waiting commands and for later.

One JSON object per line in `Home.steps`; each start of the stack overwrites the file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from gitlab_ci_provider.model.serialization import decode, encode

StepState = Literal["begun", "done", "failed", "restarted"]

READY = "ready"
"""Name of the last step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that a start does, and its state.

    Attributes:
        seconds: since the start of the stack.
        message: details for people; often empty.
    """

    name: str
    state: StepState
    seconds: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Steps:
    """Writes steps; times count from when this was made."""

    path: Path
    started: float = field(default_factory=time.monotonic)

    def clear(self) -> None:
        """Delete the steps of the last start."""
        self.path.write_bytes(b"")
        self.path.chmod(0o600)

    def write(self, name: str, state: StepState, message: str = "") -> None:
        """Add a step; short lines from several processes do not mix."""
        seconds = round(time.monotonic() - self.started, 3)
        step = Step(name=name, state=state, seconds=seconds, message=message)
        with self.path.open("ab", buffering=0) as file:
            file.write(encode(step) + b"\n")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Write that a step begins, and that it is done unless the block fails."""
        self.write(name, "begun")
        yield
        self.write(name, "done")


def read_steps(path: Path) -> list[Step]:
    """Read what was written so far, without an incomplete last line."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    steps = (_step(line) for line in lines)
    return [step for step in steps if step is not None]


def _step(line: bytes) -> Step | None:
    try:
        return decode(line, Step)
    except msgspec.MsgspecError:
        return None

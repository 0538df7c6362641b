"""A page of instructions as a test: its commands are run as they stand.

Only the names of examples are replaced, such as folders, of which a reader has others.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from integration.images.support import ROOT

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What a reader types at once."""

    text: str

    @property
    def program(self) -> str:
        """Name the first program that it uses."""
        return self.script().split()[0]

    def script(self) -> str:
        """Leave out the prompts."""
        return "".join(line.removeprefix("$ ") for line in self.text.splitlines(keepends=True))

    def type(self, environment: Mapping[str, str]) -> str:
        """Run it in the repository's folder; the first command that fails ends the test."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.script()],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{self.text}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def consoles(page: Path, names: Mapping[str, str]) -> list[Block]:
    """List what a page has its reader type; the names of examples must all be on it."""
    blocks = [text for kind, text in _BLOCK.findall(page.read_text()) if kind == "console"]
    for name, real in names.items():
        assert any(name in text for text in blocks), f"{page} does not say {name}"
        blocks = [text.replace(name, real) for text in blocks]
    return [Block(text) for text in blocks]

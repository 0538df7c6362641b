"""Each `gitlab-dags` command that the documentation shows is one that the program accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import _parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def shown(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of the commands that a page shows at a prompt."""
    joined = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^\s*\$ (.*gitlab-dags .*)$", joined, re.MULTILINE):
        for part in re.findall(r"(?:^|[ ;&|(])(?:\S*/)?gitlab-dags ([^;&|>)]*)", line):
            yield shlex.split(part, comments=True)


COMMANDS = [
    pytest.param(found, id=f"{page.name}: {' '.join(found)}")
    for page in PAGES
    for found in shown(page)
]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_the_program_accepts_what_is_shown(arguments: list[str]):
    """A command, options and values as the program knows them."""
    if arguments[-1:] == ["--help"]:
        return
    _parser([]).parse_args(arguments)

"""Each command of the documentation is run by a test, or there is a reason why not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.doc_commands import LEFT_OUT, PAGES, ROOT, SESSIONS, commands, reason
from gitlab_ci_provider.cli.main import _parser


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
BY_PAGE = {str(page.relative_to(ROOT)): list(commands(page)) for page in PAGES}


@pytest.mark.parametrize("arguments", COMMANDS)
def test_the_program_accepts_what_is_shown(arguments: list[str]):
    """A command, options and values as the program knows them."""
    if arguments[-1:] == ["--help"]:
        return
    _parser([]).parse_args(arguments)


def test_what_is_not_run_has_a_reason():
    """`tests/e2e/test_doc_commands.py` runs the others."""
    run = {session.page for session in SESSIONS}
    forgotten = [
        f"{page}: {command}"
        for page, found in BY_PAGE.items()
        for command in found
        if page not in run and not reason(page, command)
    ]

    assert forgotten == []


def test_reasons_and_sessions_are_of_commands_that_are_shown():
    """A page that has changed leaves nothing behind in the table."""
    idle = [
        (page, start)
        for page, start, _ in LEFT_OUT
        if not any(re.match(start, command) for command in BY_PAGE.get(page, ()))
    ]
    empty = [
        session.page
        for session in SESSIONS
        if all(reason(session.page, command) for command in BY_PAGE.get(session.page, ()))
    ]

    assert (idle, empty) == ([], [])

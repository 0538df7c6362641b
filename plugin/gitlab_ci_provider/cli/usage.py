"""Wrong usage: exit code 2, in JSON for who asked for JSON."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Iterator
from typing import NoReturn

from gitlab_ci_provider.cli.suggest import suggestion
from gitlab_ci_provider.exceptions import GitlabCiError

EXIT_CODE = 2


class WrongUsage(SystemExit):
    """Ends the command with exit code 2.

    Attributes:
        message: what is wrong.
    """

    def __init__(self, message: str):
        super().__init__(EXIT_CODE)
        self.message = message


class AlreadySaidError(GitlabCiError):
    """Ends the command with exit code 1; a person has read why, a program has not."""


class Parser(argparse.ArgumentParser):
    """Leaves it to the command how wrong usage is said."""

    def error(self, message: str) -> NoReturn:
        """End the command.

        Raises:
            WrongUsage: always.
        """
        self.print_usage(sys.stderr)
        raise WrongUsage(f"{message}{self._meant(message)}")

    def _below(self) -> Iterator[argparse.ArgumentParser]:
        """Give the parsers of the commands that were loaded."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - it has no other name
                yield from action.choices.values()

    def _meant(self, message: str) -> str:
        """Say what a mistyped command, flag or value may have been."""
        known: Collection[str] = ()
        if found := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
            known = re.findall(r"'([^']*)'", found[2])
        elif found := re.match(r"unrecognized arguments: (-[^ =]+)", message):
            known = [
                flag
                for parser in self._below()
                for action in parser._actions  # noqa: SLF001 - nothing else lists them
                for flag in action.option_strings
            ]
        close = suggestion(found[1], known) if found else ""
        return close if "did you mean" in close else ""

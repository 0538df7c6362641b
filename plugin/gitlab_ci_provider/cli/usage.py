"""How commands are used, and the messages for wrong usage: exit code 2."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Sequence
from typing import NoReturn

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.model.nearest import nearest
from gitlab_ci_provider.model.quoted import quoted

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
    """Ends the command with exit code 1; why has been printed, but not as JSON."""


class Parser(argparse.ArgumentParser):
    """Leaves it to the command how wrong usage is reported.

    Attributes:
        gathers: the argument that takes what stands behind options: `retry PROJECT --json JOB`.
    """

    gathers = ""

    def parse_known_args(  # type: ignore[override]  # its overloads are about namespaces only
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read the arguments; the parser of a command tells of those that it does not know."""
        found, left = super().parse_known_args(args, namespace)
        if self.gathers:
            words = [word for word in left if not word.startswith("-")]
            setattr(found, self.gathers, [*getattr(found, self.gathers), *words])
            left = [word for word in left if word.startswith("-")]
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return found, left

    def error(self, message: str) -> NoReturn:
        """End the command.

        Raises:
            WrongUsage: always.
        """
        if meant := self._meant(message):
            message = re.sub(r" \(choose from .*\)", "", message)
        raise WrongUsage(f"{message}{meant}; see `{self.prog} --help`")

    def _meant(self, message: str) -> str:
        """Suggest the command, flag or value that a mistyped one stands for."""
        known: Collection[str] = ()
        if found := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
            known = re.findall(r"'([^']*)'", found[2])
        elif found := re.match(r"unrecognized arguments: (-[^ =]+)", message):
            known = list(self._option_string_actions)
        close = suggestion(found[1], known) if found else ""
        return close if "did you mean" in close else ""


def name_value(flag: str, given: str) -> tuple[str, str]:
    """Read `NAME=VALUE`; anything else ends the command with exit code 2."""
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise WrongUsage(f"{flag} {quoted(given)}: must be NAME=VALUE")
    return name, value


_LISTED = 12


def suggestion(given: str, known: Collection[str]) -> str:
    """Suggest the most similar known word, or list the known words."""
    if close := nearest(given, known):
        return f"; did you mean '{close}'?"
    if not known:
        return ""
    listed = ", ".join(list(known)[:_LISTED])
    return f"; known: {listed}{', ...' if len(known) > _LISTED else ''}"

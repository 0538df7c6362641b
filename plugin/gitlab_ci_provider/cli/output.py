"""The only place that prints: results to standard output, everything else to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from gitlab_ci_provider.model.diagnostic import Diagnostic


def say(text: str) -> None:
    """Print a result."""
    print(text)


def note(text: str) -> None:
    """Print what goes on."""
    print(text, file=sys.stderr)


def error(text: str) -> None:
    """Print what went wrong."""
    print(f"gitlab-dags: {text}", file=sys.stderr)


def diagnostics(found: Iterable[Diagnostic]) -> None:
    """Print findings, one a line, hints below."""
    for one in found:
        print(one, file=sys.stderr)
        if one.hint:
            print(f"    {one.hint}", file=sys.stderr)


def flush() -> None:
    """Write what is buffered.

    Raises:
        BrokenPipeError: nobody reads.
    """
    sys.stdout.flush()


def abandon() -> None:
    """Let standard output lead nowhere, so that Python does not complain of a broken pipe again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())

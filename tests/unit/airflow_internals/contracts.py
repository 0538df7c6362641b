"""How the tests of this folder word what they find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def contract(interface: str, needed_by: str) -> Iterator[None]:
    """Say which interface of Airflow has changed, and what of ours needs it."""
    try:
        yield
    except Exception as problem:
        words = f"{interface} is not what it was: {type(problem).__name__}: {problem}"
        hint = "see docs/how-to/new-airflow.md"
        raise AssertionError(f"{words}\nneeded by: {needed_by}; {hint}") from problem

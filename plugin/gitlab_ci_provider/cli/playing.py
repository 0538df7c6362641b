"""Asking the person at the terminal to play the manual jobs that a pipeline waits for."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Sequence

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.progress import Progress

_LOOK_SECONDS = 1.0


def somebody_is_here() -> bool:
    """Tell whether a person can be asked: they read what we say, and type."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except ValueError:  # closed
        return False


class Player:
    """Asks for each job; nobody is asked where nobody is."""

    def __init__(self, progress: Progress, *, asks: bool):
        self._progress = progress
        self._asks = asks

    def __call__(self, waiting: Sequence[str], still: Callable[[], bool]) -> Sequence[str]:
        """Give the jobs that are to be played.

        Args:
            waiting: the jobs that the pipeline waits for.
            still: tells whether it still waits: somebody may play them elsewhere.
        """
        if not self._asks:
            return ()
        played: list[str] = []
        with self._progress.paused():
            for job in waiting:
                answer = self._play(job, still)
                if answer is None:
                    break
                played += [job] if answer else []
        return played

    def _play(self, job: str, still: Callable[[], bool]) -> bool | None:
        """Ask; None when no answer comes, or when the question is over."""
        output.note(f"The pipeline waits for the manual job '{job}'.")
        while True:
            output.ask("Play it? [y]es, or [n]o to leave it waiting: ")
            answer = _line(still)
            if answer is None:
                output.note("")
                return None
            if answer.lower() in {"y", "yes"}:
                return True
            if answer.lower() in {"", "n", "no"}:
                return False


def _line(still: Callable[[], bool]) -> str | None:
    """Read a line; None when no more comes, or when the question is over."""
    while not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
        if not still():
            return None
    line = sys.stdin.readline()
    return line.strip() if line else None

"""Ask on the terminal whether to play the manual jobs that a pipeline waits for."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.display.progress import Progress
from gitlab_ci_provider.model.job import Job

_LOOK_SECONDS = 1.0


def can_ask() -> bool:
    """Return whether there is a terminal to ask on and to answer from."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def words_of(job: Job) -> Iterator[str]:
    """Yield what a person should read of a job before playing it: its question, its inputs."""
    if job.manual_confirmation:
        yield from (f"  {line}" for line in job.manual_confirmation.splitlines())
    if job.inputs:
        given = ", ".join(f"{name}={one.get('default')!r}" for name, one in job.inputs.items())
        yield (
            f"  Its inputs would be {given}. For others, answer no and use "
            "`gitlab-dags play --input NAME=VALUE`."
        )


class ManualJobPrompt:
    """Asks about each job, unless nobody can answer.

    Args:
        progress: is not drawn while somebody types.
        asks: somebody can answer.
        about: gives what a person should read of a job before playing it, a line each.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        asks: bool,
        about: Callable[[str], Iterable[str]] = lambda _: (),
    ):
        self._progress = progress
        self._asks = asks
        self._about = about

    def __call__(self, waiting: Sequence[str], still: Callable[[], bool]) -> Sequence[str]:
        """Return the jobs to play.

        Args:
            waiting: the jobs that the pipeline waits for.
            still: tells whether it still waits: they may be played in the Airflow UI meanwhile.
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
        """Ask; None when no answer comes, or when the pipeline waits no longer."""
        output.note(f"The pipeline waits for the manual job '{job}'.")
        for line in self._about(job):
            output.note(line)
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
    """Read a line; None when there are no more, or when the pipeline waits no longer."""
    while not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
        if not still():
            return None
    line = sys.stdin.readline()
    return line.strip() if line else None

"""A run that is followed from a terminal: its jobs, the logs of some of them, and questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli.display.manual_jobs import ManualJobPrompt, words_of
from gitlab_ci_provider.cli.display.progress import Progress, Style

if TYPE_CHECKING:
    from gitlab_ci_provider.local.follow.progress import Follower, RunProgress
    from gitlab_ci_provider.local.follow.run import Watch
    from gitlab_ci_provider.local.home import Home


class RunDisplay:
    """Shows a run, and the logs of some of its jobs above it.

    Args:
        home: of the stack: it has the logs.
        jobs: whose logs are shown as they are written.
        style: how much is shown.
        asks: ask on the terminal whether to play the manual jobs that the run waits for.
    """

    def __init__(self, home: Home, jobs: Sequence[str], style: Style, *, asks: bool):
        from gitlab_ci_provider.local.follow.logs import LogTail

        self.progress = Progress(style)
        self._home = home
        self._tails = {job: LogTail() for job in jobs}
        self._prompt = ManualJobPrompt(self.progress, asks=asks, about=self._about)
        self._follower: Follower | None = None

    def watch(self) -> Watch:
        """Return the callbacks for the run."""
        from gitlab_ci_provider.local.follow.run import Watch

        return Watch(begin=self._begin, show=self._show, tell=self.progress.tell, play=self._prompt)

    def _begin(self, follower: Follower) -> None:
        self._follower = follower
        url = follower.api.run_url(follower.dag, follower.run)
        self.progress.tell(f"run: {url}")

    def _about(self, job: str) -> Iterator[str]:
        if self._follower is not None:
            yield from words_of(self._follower.pipeline.jobs[job])

    def _show(self, now: RunProgress) -> None:
        for job, tail in self._tails.items():
            for line in tail.read(self._log_of(job, now)):
                self._write(job, line)
        if now.ended:
            for job, tail in self._tails.items():
                for line in tail.end():
                    self._write(job, line)
        self.progress.show(now)

    def _log_of(self, job: str, now: RunProgress) -> Path | None:
        from gitlab_ci_provider.local.follow.result import raw_log

        task = next((shown.task for shown in now.jobs if shown.name == job), None)
        if task is None or self._follower is None or not task.try_number:
            return None
        return raw_log(self._follower, self._home, job, task.try_number)

    def _write(self, job: str, line: str) -> None:
        self.progress.log(f"{job} | " if len(self._tails) > 1 else "", line)

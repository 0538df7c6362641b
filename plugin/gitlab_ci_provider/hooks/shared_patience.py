"""One patience for all jobs that a triggerer follows in a namespace, told in the log of each.

The worker's is in `outages.py`; both say the same.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from gitlab_ci_provider.hooks.outages import AWAY, BACK
from gitlab_ci_provider.model.log import Log

_FIRST_SECONDS, _LONGEST_SECONDS = 0.5, 15.0

_IN_A_ROW = 2
"""A connection that breaks is no outage if the next attempt is answered."""


@dataclass(frozen=True, eq=False)
class _Listener:
    """Hears of outages in its own context: that is how Airflow finds the log of a trigger."""

    log: Log
    context: Context


@dataclass(slots=True)
class SharedPatience:
    """How long to tolerate that Kubernetes does not answer.

    Attributes:
        seconds: from the first request that was not answered.
        problem: what was said last when it has been longer than that; empty otherwise.
    """

    seconds: float
    problem: str = field(default="", init=False)
    _since: float | None = field(default=None, init=False)
    _pause: float = field(default=_FIRST_SECONDS, init=False)
    _failed: int = field(default=0, init=False)
    _said: tuple[str, float] | None = field(default=None, init=False)
    _listeners: set[_Listener] = field(default_factory=set, init=False)

    @contextmanager
    def telling(self, log: Log) -> Iterator[None]:
        """Say once when Kubernetes is away, and when it is back."""
        listener = _Listener(log, copy_context())
        self._listeners.add(listener)
        try:
            if self._said:
                log.warning(AWAY, *self._said)
            yield
        finally:
            self._listeners.discard(listener)

    def end(self) -> None:
        """Note that Kubernetes has answered."""
        since, said = self._since, self._said
        self.problem, self._since, self._said = "", None, None
        self._pause, self._failed = _FIRST_SECONDS, 0
        if said and since is not None:
            waited = time.monotonic() - since
            for listener in tuple(self._listeners):
                listener.context.run(listener.log.info, BACK, waited)

    def bear(self, problem: BaseException) -> float:
        """Note that Kubernetes has not answered; returns seconds to wait before the next attempt.

        Args:
            problem: of the last attempt.
        """
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        words = str(problem) or type(problem).__name__
        if now - self._since >= self.seconds:
            self.problem = words
        self._failed += 1
        if self._failed >= _IN_A_ROW and not self._said:
            self._said = (words, self.seconds)
            for listener in tuple(self._listeners):
                listener.context.run(listener.log.warning, AWAY, *self._said)
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_SECONDS)
        return pause * random.uniform(0.5, 1)  # noqa: S311 - spreads retries

"""What a job remembers of its tries, beyond a lost worker: how often it has failed, how it ended.

Airflow counts tries, including those whose worker was lost, which are not retries in GitLab's
sense. A *life* of a job is what GitLab calls one job: it continues when only the worker was lost,
and `retry`, an interruption or clearing the task begin another. A life has one pod, and one end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.runs.context import RunContext
from gitlab_ci_provider.runs.record import plain

Kind = Literal["failed", "interrupted", "stopped", "crashed"]
_KEY = "gitlab_ci_failures"

_read: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
"""What this process has read or written, by the store that Airflow gives to the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How the tries of a job have ended in one pipeline.

    Attributes:
        pipeline: when it was created: another one counts from zero.
        max_tries: Airflow's; it is raised when the task is cleared, never when a worker is lost.
        failed: how often the job has failed, GitLab's count.
        interrupted: how often its pod was removed without using up `retry`.
        stopped: how often Airflow has stopped it to run it again.
        crashed: how often the task itself has failed, by no fault of the job.
        end: how the job has ended for good; reported again when its worker is lost after that.
    """

    pipeline: str
    max_tries: int
    failed: int = 0
    interrupted: int = 0
    stopped: int = 0
    crashed: int = 0
    end: JobResult | None = None

    @property
    def life(self) -> str:
        """Name the life that the job has now."""
        return f"{self.max_tries}.{self.failed}.{self.interrupted}.{self.stopped}"

    def counted(self, kind: Kind) -> Attempts:
        """Count one more of a kind."""
        return replace(self, **{kind: getattr(self, kind) + 1})


def load(run: RunContext) -> Attempts:
    """Read how earlier tries ended; the end of a life before a clear is forgotten."""
    stored = _stored(run)
    now = run.context["ti"].max_tries
    if not isinstance(stored, dict) or stored.get("pipeline") != run.record.created_at:
        return Attempts(pipeline=run.record.created_at, max_tries=now)
    found = convert({"max_tries": now, **stored}, Attempts)
    return found if found.max_tries == now else replace(found, max_tries=now, crashed=0, end=None)


def save(run: RunContext, attempts: Attempts) -> None:
    """Remember counts and end in one write, so that no death can come between them."""
    store, value = run.context["task_state_store"], plain(attempts)
    store.set(_KEY, value)
    _read[store] = value


def _stored(run: RunContext) -> Any:
    """Read what is stored, once: nobody but the process of the task writes it while it runs.

    Each write is followed by the end of Airflow's try, so the first one finds nothing.
    """
    store = run.context["task_state_store"]
    if store not in _read:
        _read[store] = store.get(_KEY) if run.context["ti"].try_number > 1 else None
    return _read[store]

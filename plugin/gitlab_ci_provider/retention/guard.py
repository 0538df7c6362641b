"""What must not be deleted, whatever its time: running pipelines, and the latest of each ref.

As in GitLab, the artifacts of the latest successful pipeline of a ref are kept beyond their
`expire_in`, and so are those of the child pipelines of one that is kept.

Unlike GitLab, this ends after a time, because nobody tells when a branch was deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.records.register import RUNNING, SUCCESS, Register
from gitlab_ci_provider.retention.policy import Policy, Reason

IsOpen = Callable[[str, str], bool | None]
"""Whether a run of a DAG is queued or running in Airflow; None when that is not known."""

_MOST_ANCESTORS = 10


@dataclass(frozen=True, slots=True)
class Guard:
    """Knows which pipelines are needed; asks each time, because it changes."""

    register: Register
    is_open: IsOpen
    policy: Policy

    def keeps(self, pipeline: int, now: float) -> Reason | None:
        """Return why artifacts of a pipeline must stay; None when nothing is known against it."""
        family = list(self._family(pipeline))
        if any(self._runs(entry) for entry in family):
            return Reason.RUNNING
        if any(self._is_latest(entry, now) for entry in family):
            return Reason.LATEST
        return None

    def _family(self, pipeline: int) -> Iterator[PipelineEntry]:
        """Yield a pipeline and those that it is a part of."""
        number = pipeline
        for _ in range(_MOST_ANCESTORS):
            entry = self.register.get(number) if number else None
            if entry is None:
                return
            yield entry
            number = entry.parent

    def _runs(self, entry: PipelineEntry) -> bool:
        """Return whether a pipeline runs, also again; a run that was deleted does not."""
        is_open = self.is_open(entry.dag_id, entry.run_id)
        return entry.status == RUNNING if is_open is None else is_open

    def _is_latest(self, entry: PipelineEntry, now: float) -> bool:
        made = datetime.fromisoformat(entry.created_at).timestamp()
        if entry.status != SUCCESS or made + self.policy.artifacts_keep_latest < now:
            return False
        latest = self.register.latest(entry.project, entry.ref, status=SUCCESS)
        return latest is not None and latest.id == entry.id

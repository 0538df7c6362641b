"""Deletes what has expired, in two steps: a survey that changes nothing, and carrying it out.

Between the two, and while it is carried out, pipelines start. So each thing is judged again right
before it is deleted, and taken out of use by the record in which jobs note what they use, see
`records/uses.py`: either the job is seen here, or the job was started after the artifacts were
gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.records.uses import Uses
from gitlab_ci_provider.retention import inventory
from gitlab_ci_provider.retention.guard import Guard
from gitlab_ci_provider.retention.policy import (
    ABANDONED,
    FORGET,
    IN_USE,
    Item,
    Policy,
    Reason,
    Verdict,
)
from gitlab_ci_provider.storage.shelf import ObjectShelf

KEPT = frozenset({Reason.RUNNING, Reason.LATEST, Reason.IN_USE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """One installation's objects, and what is known of them.

    Attributes:
        cache_prefix, artifacts_prefix: where to look; by default everywhere.
        clock: seconds since 1970.
        tell: told what is counted or deleted, and how many so far.
    """

    shelf: ObjectShelf
    uses: Uses
    guard: Guard
    policy: Policy
    clock: Callable[[], float]
    cache_prefix: str = inventory.CACHES
    artifacts_prefix: str = inventory.ARTIFACTS
    tell: inventory.Tell = lambda *_: None

    def telling(self, tell: inventory.Tell) -> Pruning:
        """Tell somebody else."""
        return replace(self, tell=tell)

    def survey(self) -> list[Verdict]:
        """List what may be deleted, and what is kept although its time is over.

        Raises:
            StorageError: the store failed, or refuses to list its objects.
        """
        known = self.uses.caches()
        caches = list(
            inventory.caches(self.shelf, self.cache_prefix, known, self.policy, self.tell)
        )
        find = self.guard.register.get
        artifacts = list(
            inventory.artifacts(self.shelf, self.artifacts_prefix, find, self.policy, self.tell)
        )
        return [*self._caches(caches), *self._artifacts(artifacts), *self._unfinished()]

    def carry_out(self, survey: Iterable[Verdict]) -> list[Verdict]:
        """Delete what may be deleted; return what became of each thing.

        Raises:
            StorageError: the store failed; what was deleted before is gone.
        """
        self._begin_to_count()
        survey = list(survey)
        self.tell("to delete", len(survey))
        ended: list[Verdict] = []
        for pipeline, group in groupby(survey, key=lambda verdict: verdict.item.pipeline):
            verdicts = list(group)
            wanted = [verdict for verdict in verdicts if verdict.reason not in KEPT]
            ended += [verdict for verdict in verdicts if verdict.reason in KEPT]
            if pipeline:
                ended += self._delete_artifacts(pipeline, wanted)
            else:
                ended += (self._delete(verdict) for verdict in wanted)
            self.tell("deleted", len(ended))
        return ended

    def _caches(self, items: list[Item]) -> Iterator[Verdict]:
        now = self.clock()
        late, left = _by_time(items, now)
        yield from (_unless_used(item, Reason.UNUSED, now) for item in late)
        for item in _over_budget(left, self.policy.cache_max_size):
            yield _unless_used(item, Reason.BUDGET, now)

    def _artifacts(self, items: list[Item]) -> Iterator[Verdict]:
        now = self.clock()
        late, left = _by_time(items, now)
        over = list(_over_budget(left, self.policy.artifacts_max_size))
        judged = [
            *((item, Reason.EXPIRED) for item in late),
            *((item, Reason.BUDGET) for item in over if item.since < now - IN_USE),
        ]
        judged.sort(key=lambda pair: pair[0].pipeline)
        for pipeline, group in groupby(judged, key=lambda pair: pair[0].pipeline):
            kept = self._keeps(pipeline)
            yield from (Verdict(item=item, reason=kept or reason) for item, reason in group)

    def _unfinished(self) -> Iterator[Verdict]:
        """Judge uploads in parts, which are left over when a worker or a pod dies."""
        late = self.clock() - ABANDONED
        for prefix in (self.cache_prefix, self.artifacts_prefix):
            for item in inventory.unfinished(self.shelf, prefix):
                if item.since < late:
                    yield Verdict(item=item, reason=Reason.ABANDONED)

    def _keeps(self, pipeline: int) -> Reason | None:
        now = self.clock()
        if self.uses.artifacts(pipeline).used_at >= now - IN_USE:
            return Reason.IN_USE
        return self.guard.keeps(pipeline, now)

    def _delete_artifacts(self, pipeline: int, wanted: list[Verdict]) -> list[Verdict]:
        if not wanted:
            return []
        now = self.clock()
        kept = self.guard.keeps(pipeline, now)
        if kept is None and not self.uses.drop_artifacts(pipeline, now - IN_USE, now):
            kept = Reason.IN_USE
        if kept is not None:
            return [replace(verdict, reason=kept) for verdict in wanted]
        return [self._deleted(verdict) for verdict in wanted]

    def _delete(self, verdict: Verdict) -> Verdict:
        item = verdict.item
        if item.upload:
            return replace(verdict, problem=self.shelf.give_up(item.keys[0], item.upload))
        return self._delete_cache(verdict)

    def _delete_cache(self, verdict: Verdict) -> Verdict:
        if not self.uses.drop_cache(verdict.item.keys[0], self.clock() - IN_USE):
            return replace(verdict, reason=Reason.IN_USE)
        return self._deleted(verdict)

    def _deleted(self, verdict: Verdict) -> Verdict:
        *first, last = verdict.item.keys
        problems = self.shelf.delete(first) if first else {}
        problems = problems or self.shelf.delete([last])
        return replace(verdict, problem="; ".join(sorted(set(problems.values()))))

    def _begin_to_count(self) -> None:
        """Let the time of caches whose use is not known begin now, and forget old uses of nothing.

        A job also notes the keys that it only would have fallen back to.
        """
        now, known = self.clock(), self.uses.caches()
        stored = {found.key for found in self.shelf.objects(self.cache_prefix)}
        old = now - max(IN_USE, self.policy.cache_expire_in or FORGET)
        for key, use in known.items():
            if key.startswith(self.cache_prefix) and key not in stored and use.used_at < old:
                self.uses.drop_cache(key, old)
        unknown = inventory.unknown_caches(self.shelf, self.cache_prefix, known)
        self.uses.note_caches(
            CacheUse(object_key=stored.key, name="", ref="", job="", used_at=now)
            for stored in unknown
        )


def _by_time(items: Iterable[Item], now: float) -> tuple[list[Item], list[Item]]:
    """Return those whose time is over, and the others; there may be a hundred thousand."""
    late: list[Item] = []
    left: list[Item] = []
    for item in items:
        is_late = item.expire_at is not None and item.expire_at < now
        (late if is_late else left).append(item)
    return late, left


def _unless_used(item: Item, reason: Reason, now: float) -> Verdict:
    return Verdict(item=item, reason=Reason.IN_USE if item.since >= now - IN_USE else reason)


def _over_budget(items: Iterable[Item], most: int) -> Iterator[Item]:
    """Select, of each project, the oldest that do not fit into a number of bytes."""
    if not most:
        return
    projects = defaultdict(list)
    for item in items:
        projects[item.project].append(item)
    for project in sorted(projects):
        total = sum(item.size for item in projects[project])
        for item in sorted(projects[project], key=lambda item: item.since):
            if total <= most:
                break
            yield item
            total -= item.size

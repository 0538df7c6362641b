"""What is left over in the state is deleted, and nothing that a run may need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from factories import make_dag_record, make_entry, make_job, make_pipeline, make_run
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.records.cancellations import Cancellations
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.records.store import RecordStore
from gitlab_ci_provider.snapshots.leftovers import Leftovers
from gitlab_ci_provider.snapshots.store import SnapshotStore
from stores import save_dag

DAY = 24 * 3600
A, B = make_pipeline(make_job("a")), make_pipeline(make_job("b"))


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1000 * DAY

    def __call__(self) -> float:
        return self.now

    def days(self, count: float) -> None:
        self.now += count * DAY


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def left(records: RecordStore, clock: Clock) -> Leftovers:
    """Keep what is not used for thirty days."""
    return Leftovers(store=SnapshotStore(records, clock), keep=30 * DAY)


def show(left: Leftovers, pipeline: Pipeline) -> str:
    """Let the DAG show a pipeline."""
    digest = left.store.save_pipeline(pipeline)
    save_dag(left.store, replace(make_dag_record(), digest=digest))
    return digest


def run(left: Leftovers, digest: str, **given: Any) -> None:
    left.store.save_run(replace(make_run(**given), digest=digest))


def there(left: Leftovers, digest: str) -> bool:
    try:
        left.store.load_pipeline(digest)
    except StateError:
        return False
    return True


def test_a_pipeline_goes_when_nothing_has_referred_to_it_for_long(left: Leftovers, clock: Clock):
    """Its time begins when it is first found unused, and the one that is shown stays."""
    old = show(left, A)
    new = show(left, B)
    assert left.prune() == []
    clock.days(29)
    assert left.prune() == []
    clock.days(2)

    assert left.due() == [old]
    assert there(left, old)
    assert left.prune() == [old]
    assert (there(left, old), there(left, new)) == (False, True)


def test_the_record_of_a_run_keeps_its_pipeline(left: Leftovers, clock: Clock):
    """As long as the record is kept, tasks of its run may need both."""
    old = show(left, A)
    show(left, B)
    left.prune()
    clock.days(20)
    run(left, old)
    clock.days(11)

    assert left.prune() == []
    assert there(left, old)

    clock.days(30)
    assert left.prune() == [old]


def test_a_pipeline_that_is_used_again_starts_over(left: Leftovers, clock: Clock):
    """A revert shows an old pipeline: it is not taken away as soon as it is replaced."""
    old = show(left, A)
    show(left, B)
    left.prune()
    clock.days(20)
    show(left, A)
    left.prune()
    show(left, B)
    clock.days(11)

    assert left.prune() == []
    assert there(left, old)


def test_what_is_used_meanwhile_is_put_back(
    left: Leftovers, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """A sync shows a pipeline right before it is deleted, or right after."""
    old = show(left, A)
    show(left, B)
    left.prune()
    clock.days(31)
    take = SnapshotStore.take_pipeline

    def shown_meanwhile(store: SnapshotStore, name: str) -> bytes | None:
        show(left, A)
        return take(store, name)

    monkeypatch.setattr(SnapshotStore, "take_pipeline", shown_meanwhile)

    assert left.prune() == []
    assert left.store.load_pipeline(old) == A


def test_it_looks_once_a_day(left: Leftovers, clock: Clock):
    """Maintenance runs each hour, and a look reads what all DAGs show."""
    old = show(left, A)
    show(left, B)
    left.prune()
    clock.days(31)
    left.prune()
    other = show(left, A)
    show(left, B)
    clock.days(0.5)

    assert left.prune() == []
    assert there(left, other)
    assert other == old


def test_orders_to_old_runs_go(left: Leftovers, clock: Clock):
    """Those to runs that are open or young stay."""
    orders, register = Cancellations(left.store.records), Register(left.store.records)
    for run, day in (("old", 900), ("open", 900), ("young", 990)):
        made = datetime.fromtimestamp(day * DAY, UTC).isoformat()
        entry = register.enter(make_entry(run_id=run, created_at=made))
        orders.give(entry.dag_id, run, Cancellation(name="o", reason="r", jobs=("a",)))
        if run != "open":
            register.finish(entry.id, "canceled")

    left.prune()

    has = {run: bool(orders.of_run("group__project", run)) for run in ("old", "open", "young")}
    assert has == {"old": False, "open": True, "young": True}


def test_records_of_old_runs_go(left: Leftovers, clock: Clock):
    """Also where nobody syncs."""
    digest = show(left, A)
    name = left.store.save_run(replace(make_run(), digest=digest))
    clock.days(32)

    left.prune()

    assert left.store.load_run(name) is None
    assert there(left, digest)

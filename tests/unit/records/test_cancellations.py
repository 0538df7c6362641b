"""Orders to cancel jobs."""

from __future__ import annotations

from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.records.cancellations import Cancellations
from gitlab_ci_provider.records.store import RecordStore

ORDER = Cancellation(name="pipeline-2", reason="by pipeline 2", jobs=("a", "b/c"))


def test_orders_are_found_by_run(records: RecordStore):
    """Each run has its own; names may hold any character."""
    orders = Cancellations(records)
    orders.give("dag", "manual__2026-01-01T00:00:00+00:00", ORDER)

    assert orders.of_run("dag", "manual__2026-01-01T00:00:00+00:00") == [ORDER]
    assert orders.of_run("dag", "other") == []


def test_a_run_may_get_several(records: RecordStore):
    """By a newer pipeline and by a failed job; the same order given twice is one."""
    orders = Cancellations(records)
    other = Cancellation(name="failure", reason="because 'x' failed", jobs=())
    for order in (ORDER, other, ORDER):
        orders.give("dag", "run", order)

    assert orders.of_run("dag", "run") == [other, ORDER]


def test_a_pipeline_that_is_created_again_starts_without_orders(records: RecordStore):
    """Also when it never had any."""
    orders = Cancellations(records)
    orders.give("dag", "run", ORDER)

    orders.forget("dag", "run")
    orders.forget("dag", "other")

    assert orders.of_run("dag", "run") == []

"""Orders to cancel jobs, at rest."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.records.cancellations import Cancellations

ORDER = Cancellation(name="pipeline-2", reason="by pipeline 2", jobs=("a", "b/c"))


def test_orders_are_found_by_run(tmp_path: Path):
    """Each run has its own; names may hold any character."""
    orders = Cancellations(tmp_path / "not there yet")
    orders.give("dag", "manual__2026-01-01T00:00:00+00:00", ORDER)

    assert orders.of_run("dag", "manual__2026-01-01T00:00:00+00:00") == [ORDER]
    assert orders.of_run("dag", "other") == []


def test_a_run_may_get_several(tmp_path: Path):
    """By a newer pipeline and by a failed job; the same order given twice is one."""
    orders = Cancellations(tmp_path)
    other = Cancellation(name="failure", reason="because 'x' failed", jobs=())
    for order in (ORDER, other, ORDER):
        orders.give("dag", "run", order)

    assert orders.of_run("dag", "run") == [other, ORDER]


def test_a_pipeline_that_is_created_anew_starts_without_orders(tmp_path: Path):
    """Also when it never had any."""
    orders = Cancellations(tmp_path)
    orders.give("dag", "run", ORDER)

    orders.forget("dag", "run")
    orders.forget("dag", "other")

    assert orders.of_run("dag", "run") == []

"""The edges that Airflow gets."""

from __future__ import annotations

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.renderer.edges import upstream


def pipeline(*jobs: Job) -> Pipeline:
    stages = tuple(dict.fromkeys(job.stage for job in jobs))
    needs = {job.name: tuple(need.job for need in job.needs or ()) for job in jobs}
    return Pipeline(stages=stages, jobs={job.name: job for job in jobs}, edges=needs)


def test_stage_order_needs_edges_from_the_nearest_stage_only():
    """A job in stage order waits for the stage before; that one waited for the rest."""
    built = pipeline(Job(name="a", stage="1"), Job(name="b", stage="2"), Job(name="c", stage="3"))

    assert upstream(built) == {"a": (), "b": ("a",), "c": ("b",)}


def test_a_stage_of_needs_only_does_not_hide_the_one_before():
    """Jobs with needs may start before the earlier stages end, so they are no barrier."""
    built = pipeline(
        Job(name="a", stage="1"), Job(name="b", stage="2", needs=()), Job(name="c", stage="3")
    )

    assert upstream(built)["c"] == ("a", "b")


def test_needs_are_edges():
    """A job with needs waits for these jobs alone."""
    built = pipeline(
        Job(name="a", stage="1"),
        Job(name="b", stage="1"),
        Job(name="c", stage="2", needs=(Need(job="b"),)),
    )

    assert upstream(built)["c"] == ("b",)


def test_the_first_stage_waits_for_nothing():
    """Jobs of the first stage start at once."""
    assert upstream(pipeline(Job(name="a", stage="1")))["a"] == ()

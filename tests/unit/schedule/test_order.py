"""Edges: needs where they are written, else stage order."""

from __future__ import annotations

from factories import make_job
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.rules import Rule
from gitlab_ci_provider.schedule.order import build_edges, find_cycle

STAGES = (".pre", "build", "test", "deploy")


def _edges(*jobs: Job) -> dict[str, tuple[str, ...]]:
    return build_edges({job.name: job for job in jobs}, STAGES)


def test_stage_order_waits_for_all_earlier_stages():
    """Without needs a job waits for every job of every earlier stage."""
    edges = _edges(
        make_job("d", stage="deploy"), make_job("b", stage="build"), make_job("t"),
        make_job("p", stage=".pre"),
    )  # fmt: skip

    assert edges == {"p": (), "b": ("p",), "t": ("p", "b"), "d": ("p", "b", "t")}


def test_needs_replace_stage_order():
    """A job with needs waits for these alone; an empty list waits for nothing."""
    edges = _edges(
        make_job("b", stage="build"), make_job("t", needs=(Need(job="b"),)),
        make_job("n", needs=()), make_job("d", stage="deploy", needs=(Need(job="t"),)),
    )  # fmt: skip

    assert edges == {"b": (), "t": ("b",), "n": (), "d": ("t",)}


def test_needs_of_rules_are_edges():
    """An edge that a rule may choose is in the graph."""
    rules = (Rule(condition="$A", needs=(Need(job="b"),)), Rule())
    edges = _edges(make_job("b"), make_job("t", needs=(), rules=rules))

    assert edges["t"] == ("b",)


def test_needs_of_rules_never_make_a_circle():
    """Jobs that different rules together tie into a circle wait for each other on their own."""
    a = make_job("a", rules=(Rule(condition="$A", needs=(Need(job="b"),)), Rule()))
    b = make_job("b", rules=(Rule(condition="$B", needs=(Need(job="a"),)), Rule()))
    edges = _edges(make_job("first", stage="build"), a, b, make_job("c", needs=(Need(job="a"),)))

    assert edges == {"first": (), "a": ("first",), "b": ("first",), "c": ("a",)}


def test_needs_on_unknown_jobs_are_no_edges():
    """Only jobs of the pipeline can be waited for."""
    assert _edges(make_job("t", needs=(Need(job="x", optional=True),))) == {"t": ()}


def test_cycle_is_found():
    """The jobs of the circle are named in order."""
    assert find_cycle({"a": ["b"], "b": ["c"], "c": ["b"], "d": []}) == ["b", "c"]
    assert find_cycle({"a": ["b", "c"], "b": ["c"], "c": []}) == []


def test_long_chains_do_not_exhaust_the_stack():
    """Thousands of jobs in a row are not a problem."""
    chain = {str(n): [str(n + 1)] for n in range(20_000)}

    assert find_cycle(chain) == []

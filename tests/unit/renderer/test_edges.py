"""The edges of the DAG: what the rendered tasks wait for."""

from __future__ import annotations

from factories import compile_text
from processes.airflow_scheduler import render


def upstream(text: str) -> dict[str, set[str]]:
    """Compile and render a file; give the tasks that each task waits for."""
    return {task.task_id: task.upstream_task_ids for task in render(compile_text(text)).tasks}


STAGES = """
stages: ["1", "2", "3"]
a: {stage: "1", script: x}
b: {stage: "2", script: x}
"""


def test_stage_order_waits_for_every_earlier_stage():
    """A stage whose jobs the rules leave out ends at once: it cannot stand for those before it."""
    found = upstream(STAGES + 'c: {stage: "3", script: x}')

    assert found["b"] == {"a"}
    assert found["c"] == {"a", "b"}


def test_needs_are_edges():
    """A job with needs waits for these jobs alone."""
    assert upstream(STAGES + 'c: {stage: "3", script: x, needs: [b]}')["c"] == {"b"}


def test_a_rules_need_on_a_job_of_the_same_stage_is_an_edge():
    """It is, be the job itself in stage order or not; which rule matches is known in a run only."""
    rules = "rules: [{if: $A, needs: [b]}, {when: always}]"
    found = upstream(
        STAGES
        + f'ordered: {{stage: "2", script: x, {rules}}}\n'
        + f'free: {{stage: "2", script: x, needs: [], {rules}}}'
    )

    assert found["ordered"] == {"a", "b"}
    assert found["free"] == {"b"}


def test_jobs_that_wait_for_nobody_wait_for_the_pipeline():
    """Jobs of the first stage start once the pipeline is created."""
    assert upstream(STAGES)["a"] == {"create_pipeline"}


def test_the_end_waits_for_every_job():
    """The last jobs may be left out; the run must not end before those that came before them.

    Nor before `create_pipeline`, which skips jobs before it has ended itself.
    """
    assert upstream(STAGES)["finish_pipeline"] == {"create_pipeline", "a", "b"}

"""The edges of the DAG: what the rendered tasks wait for."""

from __future__ import annotations

from pathlib import Path

from factories import compile_text, make_dag_record
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.settings import Settings
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


def test_a_pipeline_without_jobs_begins_and_ends():
    """The rules of its includes leave out all of them; a run may ask for a commit that has some."""
    text = "include: [{local: a.yml, rules: [{if: $NOPE}]}]"

    assert upstream(text) == {"create_pipeline": set(), "finish_pipeline": {"create_pipeline"}}


def large(extra: str = "") -> str:
    """Write a pipeline of three stages whose jobs would wait for each other by 1,200 edges."""
    stages = 'stages: ["1", "2", "3"]\n'
    jobs = [f'{name}{n}: {{stage: "{stage}", script: x}}' for stage, name, n in placed(20)]
    return stages + "\n".join(jobs) + f"\n{extra}"


def placed(count: int) -> list[tuple[str, str, int]]:
    return [
        (stage, name, n) for stage, name in zip("123", "abc", strict=True) for n in range(count)
    ]


def test_jobs_of_a_large_pipeline_wait_for_the_ends_of_stages():
    """Airflow draws and describes thousands of edges in minutes, and hundreds at once."""
    found = upstream(large())

    assert found["b0"] == {"end-of-1"}
    assert found["c0"] == {"end-of-2"}
    assert found["end-of-1"] == {f"a{n}" for n in range(20)}
    assert found["end-of-2"] == {"end-of-1", *(f"b{n}" for n in range(20))}
    assert "end-of-3" not in found
    assert sum(map(len, found.values())) < 200


def test_needs_in_a_large_pipeline_stay_edges_between_jobs():
    """Only jobs in stage order wait for whole stages; needs of a rule come on top."""
    rules = "rules: [{if: $A, needs: [c0]}, {when: always}]"
    free = 'free: {stage: "3", script: x, needs: [a0]}'
    found = upstream(large(f'{free}\nboth: {{stage: "3", script: x, {rules}}}'))

    assert found["free"] == {"a0"}
    assert found["both"] == {"end-of-2", "c0"}


def test_stages_that_no_job_waits_for_have_no_end():
    """A pipeline whose jobs all have needs has edges between jobs alone, however many."""
    needs = ", ".join(f"a{n}" for n in range(39))
    lines = [f'a{n}: {{stage: "1", script: x}}' for n in range(40)]
    lines += [f'b{n}: {{stage: "2", script: x, needs: [{needs}]}}' for n in range(40)]
    found = upstream('stages: ["1", "2"]\n' + "\n".join(lines))

    assert len(found["b0"]) == 39
    assert not [task for task in found if task.startswith("end-of")]


def test_the_end_of_a_stage_has_no_name_of_a_job():
    """A job may be called as the end of its stage would be."""
    found = upstream(large('end-of-1: {stage: "1", script: x}'))

    assert len([task for task in found if task.startswith("end-of-1")]) == 2
    assert found["b0"] != {"end-of-1"}
    assert found["end-of-1"] == {"create_pipeline"}


def test_a_task_of_a_large_pipeline_is_rendered_alone():
    """The worker that runs a job makes neither the other jobs nor ends of stages."""
    dag = render_dag(
        make_dag_record(), compile_text(large()), Settings(home=Path("home")), running="b0"
    )

    assert set(dag.task_ids) == {"create_pipeline", "b0", "finish_pipeline"}

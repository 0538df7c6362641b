"""A pipeline is green only when its jobs have done what their commit asks for."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from e2e.embedded import Stack, commit, make_repository
from e2e.people import Person
from e2e.runs import ended, finish_log, mark, results, states, wait_for
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.repositories import git

TWO = """
build: {stage: build, script: "true"}
unit: {stage: test, script: "true"}
"""


def known(stack: Stack, repository: Path) -> str:
    """Sync a repository and let Airflow see its DAG; the DAG."""
    record = stack.add(repository).record
    assert record is not None
    stack.wait_for_dag(record)
    return record.dag_id


def paused(stack: Stack, dag: str, *, value: bool) -> None:
    """Hold back what Airflow does for a DAG, as a person does in the UI, or let it go on."""
    stack.api.request("PATCH", f"/dags/{dag}", json={"is_paused": value})


def note(stack: Stack, dag: str, run: str, task: str = "") -> str:
    """Read the note of a run, or of one of its tasks."""
    return stack.note({"dag_id": dag, "run_id": run}, task) or ""


def test_without_a_pipeline_no_job_starts(stack: Stack, tmp_path: Path):
    """When `create_pipeline` fails, the jobs are skipped at once with its words, the run fails."""
    dag = known(stack, make_repository(tmp_path / "without", {".gitlab-ci.yml": TWO}))
    run = stack.api.trigger(dag, {"ref": "nope"})

    wait_for(lambda: ended(stack, dag, run))

    assert stack.api.run_state(dag, run) == "failed"
    tasks = stack.api.tasks(dag, run)
    assert {tasks[job].state for job in ("build", "unit")} == {"skipped"}
    assert {tasks[job].try_number for job in ("build", "unit")} == {0}
    assert "no branch, tag or commit id 'nope'" in note(stack, dag, run)
    assert "no branch, tag or commit id 'nope'" in note(stack, dag, run, "unit")


def test_a_pipeline_that_was_never_created_is_not_green(stack: Stack, tmp_path: Path):
    """A `create_pipeline` that ended without a word, here by hand, leaves a run that fails."""
    dag = known(stack, make_repository(tmp_path / "never", {".gitlab-ci.yml": TWO}))
    for state in ("failed", "success", "skipped"):
        paused(stack, dag, value=True)
        run = stack.api.trigger(dag, {})
        mark(stack, dag, run, "create_pipeline", state)
        paused(stack, dag, value=False)

        wait_for(partial(ended, stack, dag, run))

        assert stack.api.run_state(dag, run) == "failed", state
        assert set(states(stack, dag, run).values()) - {state} == {"skipped", "failed"} - {state}
        assert {end[0] for end in results(stack, dag, run).values()} == {"skipped"}
        assert "no pipeline: create_pipeline" in note(stack, dag, run)


def test_a_job_skipped_by_hand_is_not_green(stack: Stack, tmp_path: Path):
    """A task that a person skips has tested nothing: the pipeline is canceled."""
    dag = known(stack, make_repository(tmp_path / "hand", {".gitlab-ci.yml": TWO}))
    paused(stack, dag, value=True)
    run = stack.api.trigger(dag, {})
    mark(stack, dag, run, "build", "skipped")
    paused(stack, dag, value=False)
    wait_for(lambda: ended(stack, dag, run))

    assert stack.api.run_state(dag, run) == "failed"
    assert "canceled by hand" in finish_log(stack, dag, run)


GATED = """
stages: [build, test]
build: {stage: build, script: "true"}
gate: {stage: build, script: "true", when: manual, allow_failure: false}
unit: {stage: test, script: echo "tested $CI_COMMIT_SHA"}
"""
RENAMED = GATED.replace("unit:", "lint: {stage: test, script: 'true'}\nspec:")


def waiting(stack: Stack, repository: Path) -> Person:
    """Start a pipeline that waits for a person in its middle."""
    person = Person(stack, repository)
    person.wait_for_question("gate")
    return person


def push(stack: Stack, repository: Path) -> str:
    """Push a commit with other jobs, and wait until Airflow has read it; the DAG that runs it."""
    commit(repository, {".gitlab-ci.yml": RENAMED})
    return known(stack, repository)


def test_a_push_does_not_change_a_run(stack: Stack, tmp_path: Path):
    """A run ends with the jobs of its commit; the next commit's run has another DAG meanwhile."""
    repository = make_repository(tmp_path / "pushed", {".gitlab-ci.yml": GATED})
    sha = git(repository, "rev-parse", "HEAD")
    person = waiting(stack, repository)

    beside = push(stack, repository)
    second = stack.api.trigger(beside, {})
    person.answer("gate", "Play")
    assert person.wait_for_end() == "success"

    assert set(person.states()) == {"create_pipeline", "build", "gate", "unit", "finish_pipeline"}
    assert f"tested {sha}" in person.job_log("unit")
    assert beside.startswith(f"{person.dag}..commits-")
    assert {"lint", "spec"} < set(states(stack, beside, second))
    stack.api.stop_run(beside, second)
    assert known(stack, repository) == person.dag
    assert "lint" in states(stack, person.dag, stack.api.trigger(person.dag, {}))


def test_a_job_that_disappears_fails_its_pipeline(stack: Stack, tmp_path: Path):
    """If a DAG changes all the same, here for lack of a hold, the run fails and says why."""
    repository = make_repository(tmp_path / "gone", {".gitlab-ci.yml": GATED})
    person = waiting(stack, repository)
    open_state(Settings(home=stack.home.data)).holds.drop(person.dag, person.run)

    assert push(stack, repository) == person.dag
    person.wait_for_state("unit", "removed")
    person.answer("gate", "Play")

    assert person.wait_for_end() == "failed"
    assert "the DAG has changed" in note(stack, person.dag, person.run)
    assert {person.states()[job] for job in ("lint", "spec")} == {"skipped"}


def test_a_run_that_was_marked_as_failed_stays_failed(stack: Stack, tmp_path: Path):
    """Whenever that happens; it still is a whole pipeline later. The note says which it was."""
    dag = known(stack, make_repository(tmp_path / "stay", {".gitlab-ci.yml": TWO}))
    marked = []
    for moment in ({None, "queued", "scheduled", "running"}, {"running", "success"}, {"success"}):
        marked.append(run := stack.api.trigger(dag, {}))
        wait_for(lambda: states(stack, dag, run)["create_pipeline"] in moment)  # noqa: B023
        stack.api.stop_run(dag, run)
    last = stack.api.trigger(dag, {})
    wait_for(lambda: ended(stack, dag, last))

    assert {stack.api.run_state(dag, run) for run in marked} == {"failed"}
    early, *notes = (note(stack, dag, run) for run in marked)
    assert "canceled by hand" in early
    assert re.fullmatch(r"Pipeline \d+ canceled by hand \(main, [0-9a-f]{8}\)", notes[-1])
    assert stack.api.run_state(dag, last) == "success"

"""Each part of the stack is killed while pipelines run: they end right, and no job runs twice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository
from e2e.faulty import (
    TIMES,
    calmly,
    have_ended,
    is_back,
    job,
    kill_component,
    kill_follower,
    kill_stack,
    kill_worker,
    left_behind,
)
from e2e.runs import ended, results, start, wait_for
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.lifecycle import (
    StackOptions,
    spawn_stack,
    stop_stack,
    wait_for_stack,
)
from processes.counter import Heard

COMPONENTS = {
    "api server": r"airflow api.server",
    "scheduler": r"airflow scheduler",
    "triggerer": r"airflow triggerer",
    "DAG processor": r"airflow dag.processor",
    "all of Airflow": r"local\.airflow",
    "object store": r"rclone.* serve s3",
}


@pytest.fixture(scope="module")
def stack(unkind_stack: Stack) -> Stack:
    return unkind_stack


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_pipeline_survives_the_death_of_each_part(
    stack: Stack, heard: Heard, tmp_path: Path, name: str
):
    """Killed in each of three stages while a job runs: the part is back, all jobs ran once."""
    stages = ("one", "two", "three")
    config = f"stages: [{', '.join(stages)}]\n"
    config += "".join(job(heard, stage, stage=stage) for stage in stages)
    delayed = {"when": "delayed", "start_in": "5 seconds", "stage": "one"}
    config += job(heard, "later", 1, **delayed)
    repository = make_repository(tmp_path / "part", {".gitlab-ci.yml": config})
    dag, run = start(stack, repository)
    for stage in stages:
        heard.wait_for(f"{stage} begins")
        killed = kill_component(stack, COMPONENTS[name])
        wait_for(partial(is_back, stack, COMPONENTS[name], killed))
    wait_for(lambda: calmly(lambda: ended(stack, dag, run)))

    assert stack.api.run_state(dag, run) == "success"
    jobs = (*stages, "later")
    assert heard.lines == {f"{one} {what}": 1 for one in jobs for what in ("begins", "ends")}
    wait_for(lambda: left_behind(stack) == [])


@pytest.mark.embedded("its pods die with it")
def test_jobs_whose_cluster_dies_say_so(stack: Stack, heard: Heard, tmp_path: Path):
    """Pods die with the embedded cluster: their jobs fail, do not run again, and tell why."""
    stages = ("one", "two", "three")
    config = f"stages: [{', '.join(stages)}]\n"
    config += "".join(job(heard, stage, 600, stage=stage, allow_failure="true") for stage in stages)
    repository = make_repository(tmp_path / "cluster", {".gitlab-ci.yml": config})
    dag, run = start(stack, repository)
    title = r"gitlab_ci_cluster --dir"
    for stage in stages:
        heard.wait_for(f"{stage} begins")
        killed = kill_component(stack, title)
        wait_for(partial(is_back, stack, title, killed))
    wait_for(lambda: ended(stack, dag, run))

    assert stack.api.run_state(dag, run) == "success"
    assert heard.lines == {f"{stage} begins": 1 for stage in stages}
    for status, reason in results(stack, dag, run).values():
        assert status == "failed"
        assert "was deleted before it ended" in reason
    wait_for(lambda: left_behind(stack) == [])


def started(home: Home) -> Stack:
    """Start a stack that outlives this process."""
    spawn_stack(home, StackOptions())
    return Stack(home, AirflowApi(wait_for_stack(home).access))


@pytest.mark.embedded("its pods die with the stack")
def test_a_killed_stack_leaves_nothing_and_says_what_it_has_cut(
    heard: Heard, tmp_path_factory: pytest.TempPathFactory
):
    """Supervisor and all die at once; the next start closes the run, whose note tells why."""
    home = Home(tmp_path_factory.mktemp("killed") / "home")
    config = "".join(job(heard, f"job{number}", 600) for number in range(2))
    repository = make_repository(home.path.parent / "killed", {".gitlab-ci.yml": config})
    runs: list[tuple[str, str]] = []
    try:
        for number in range(TIMES):
            stack = started(home)
            runs.append(start(stack, repository))
            heard.wait_for("job1 begins", number + 1)
            heard.wait_for("job0 begins", number + 1)
            alive = kill_stack(stack)
            wait_for(partial(have_ended, alive))
        stack = started(home)
        ends = [stack.api.request("GET", f"/dags/{dag}/dagRuns/{run}") for dag, run in runs]
        left = left_behind(stack)
    finally:
        stop_stack(home)

    assert {one["state"] for one in ends} == {"failed"}
    assert all(one["note"] for one in ends)
    assert heard.lines == {f"job{number} begins": TIMES for number in range(2)}
    assert left == []


def test_jobs_survive_the_death_of_their_workers(stack: Stack, heard: Heard, tmp_path: Path):
    """Killed together with the task's process: Airflow hears of it, the next try finds the pod.

    Of a job that has none anymore, the triggerer is killed.
    """
    names = [f"job{number}" for number in range(TIMES)]
    config = "".join(job(heard, name, 6) for name in names)
    repository = make_repository(tmp_path / "workers", {".gitlab-ci.yml": config})
    for name in names:
        heard.hold(f"{name} begins")
    dag, run = start(stack, repository)
    for name in names:
        heard.wait_for(f"{name} begins")
        kill_follower(stack, dag, run, name, kill_worker)
        heard.release(f"{name} begins")
    wait_for(lambda: ended(stack, dag, run))

    assert stack.api.run_state(dag, run) == "success"
    assert heard.lines == {f"{one} {what}": 1 for one in names for what in ("begins", "ends")}
    wait_for(lambda: left_behind(stack) == [])

"""Jobs whose pods the triggerer follows, on a real Airflow: no line is lost, no job runs twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from e2e.embedded import Stack, a_stack, make_repository
from e2e.faulty import is_deferred, job, kill_and_wait, left_behind
from e2e.logs import log_lines
from e2e.runs import ended, mark, raw_log, results, start, wait_for
from processes.counter import Heard

COUNT = "for i in $(seq 300); do echo line $i; [ $((i % 10)) != 0 ] || sleep 0.5; done"
LINES = [f"line {number}" for number in range(1, 301)]


@pytest.fixture(scope="module")
def stack(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose workers stay with a job for three seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__GITLAB_CI__WAITING", "adaptive")
        patch.setenv("AIRFLOW__GITLAB_CI__DEFER_AFTER", "3")
        with a_stack(pytestconfig, tmp_path_factory.mktemp("waiting")) as own:
            yield own


def numbered(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("line ")]


def shown(stack: Stack, dag: str, run: str, task: str) -> str:
    """Read a task's log as the Airflow UI shows it."""
    return "\n".join(log_lines(stack.api, dag, run, stack.api.tasks(dag, run)[task]))


def fired(stack: Stack, dag: str, run: str) -> list[str]:
    """List what the triggerer has told Airflow in a run, as its logs show it."""
    logs = (stack.home.airflow / "logs" / f"dag_id={dag}" / f"run_id={run}").rglob("*.trigger.*")
    events = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    return [one["result"] for one in events if one["event"] == "Trigger fired event"]


@pytest.mark.parametrize("killed", ["nothing", "triggerer", "scheduler"])
def test_a_long_job_shows_each_line_once(stack: Stack, tmp_path: Path, killed: str):
    """In the log that Airflow shows and in the kept one, over the hop and over lost parts.

    It passes, so that the triggerer ends its task, and no worker is needed for that.
    """
    config = f"long:\n  script:\n    - {COUNT}\n"
    name = f"long-{killed}"
    dag, run = start(stack, make_repository(tmp_path / name, {".gitlab-ci.yml": config}))
    wait_for(partial(is_deferred, stack, dag, run, "long"))
    if killed != "nothing":
        wait_for(lambda: "line 150" in numbered(raw_log(stack, dag, run, "long")))
        kill_and_wait(stack, f"airflow {killed}")
    wait_for(lambda: ended(stack, dag, run))

    assert stack.api.run_state(dag, run) == "success"
    assert numbered(raw_log(stack, dag, run, "long")) == LINES
    assert numbered(shown(stack, dag, run, "long")) == LINES
    assert fired(stack, dag, run) == ["TriggerEvent<'success'>"]
    assert results(stack, dag, run) == {"long": ("success", "")}
    wait_for(lambda: left_behind(stack) == [])


def test_a_deferred_job_that_is_marked_as_failed_ends_in_its_own_time(
    stack: Stack, heard: Heard, tmp_path: Path
):
    """The triggerer deletes the pod and shows what after_script writes; the job is canceled."""
    after = "    - sleep 3\n    - 'echo \"cleaned up: $CI_JOB_STATUS\"'\n"
    config = job(heard, "marked", 600) + f"  after_script:\n{after}"
    dag, run = start(stack, make_repository(tmp_path / "marked", {".gitlab-ci.yml": config}))
    heard.wait_for("marked begins")
    wait_for(partial(is_deferred, stack, dag, run, "marked"))
    mark(stack, dag, run, "marked", "failed")
    wait_for(lambda: left_behind(stack) == [])
    wait_for(lambda: ended(stack, dag, run))

    assert heard.lines["marked begins"] == 1
    assert "marked ends" not in heard.lines
    assert results(stack, dag, run) == {"marked": ("canceled", "by hand")}
    for log in (raw_log(stack, dag, run, "marked"), shown(stack, dag, run, "marked")):
        assert "cleaned up: canceled" in log.splitlines()


def test_the_timeout_of_a_deferred_job_holds(stack: Stack, heard: Heard, tmp_path: Path):
    """It fails the job with GitLab's reason."""
    config = job(heard, "slow", 600, timeout="15 seconds")
    dag, run = start(stack, make_repository(tmp_path / "slow", {".gitlab-ci.yml": config}))
    wait_for(partial(is_deferred, stack, dag, run, "slow"))
    wait_for(lambda: ended(stack, dag, run))

    ((status, reason),) = results(stack, dag, run).values()
    assert status == "failed"
    assert "timeout of 15 s" in reason
    wait_for(lambda: left_behind(stack) == [])

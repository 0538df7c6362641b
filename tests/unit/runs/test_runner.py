"""How a job gets its runner when it starts."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factories import JOB, make_plan_request, with_variables
from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.planner.plan_request import PlanRequest, RunnerWish
from gitlab_ci_provider.runs.runner import Taken, Voice, take, tell_slot, use_cluster
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.variables.masking import Masker

RUNNERS = """
runners:
  - {name: gpu, tags: [gpu, linux], connection: big, namespace: ml, image: "cuda:12"}
  - {name: rest, run_untagged: true, overrides: {namespace: "^ci-"}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give an installation with two runners."""
    path = tmp_path / "runners.yml"
    path.write_text(RUNNERS)
    return Settings(home=tmp_path, runners_file=path)


def taken(settings: Settings, request: PlanRequest, *, log: Any = logging) -> Taken:
    """Have a runner take a job."""
    return take(settings, request, Voice(log, Masker(request.masked)))


def test_tags_choose_the_runner_and_may_hold_variables(settings: Settings):
    """GitLab expands variables in `tags`; the runner's image is that of jobs without one."""
    job = replace(with_variables(KIND="gpu"), tags=("$KIND", "linux"))
    found = taken(settings, make_plan_request(job))
    operator: Any = SimpleNamespace(kubernetes_conn_id="usual", namespace=None)
    use_cluster(operator, found, 1)

    assert found.runner.name == "gpu"
    assert found.request.limits.default_image == "cuda:12"
    assert (operator.kubernetes_conn_id, operator.namespace) == ("big", "ml")


def test_a_task_of_a_dag_names_its_runner_and_its_place(settings: Settings):
    """By name its tags do not matter; where the pod runs, the task's own word counts."""
    wish = RunnerWish(name="gpu", namespace="mine")
    found = taken(settings, make_plan_request(runner=wish))

    assert (found.runner.name, found.runner.connection) == ("gpu", "big")
    assert found.runner.namespace == "mine"


def test_a_named_runner_keeps_its_limits(tmp_path: Path):
    """One that is for protected refs or other projects is refused by its name, too."""
    path = tmp_path / "runners.yml"
    path.write_text("runners: [{name: prod, projects: [group/prod]}]")
    closed = Settings(home=tmp_path, runners_file=path)

    with pytest.raises(SystemFailure, match="'prod' does not take jobs of group/project"):
        taken(closed, make_plan_request(runner=RunnerWish(name="prod")))


def test_a_task_that_is_not_in_the_pool_of_its_runner_says_so():
    """The pool belongs to the DAG; tags with variables are only known when the job starts."""
    said: list[str] = []
    log: Any = SimpleNamespace(warning=lambda form, words: said.append(form % words))
    operator: Any = SimpleNamespace(pool="default_pool", queue="ml")
    runner = RunnerProfile(name="gpu", pool="cards", queue="ml")
    tell_slot(operator, runner, Voice(log, Masker()))
    tell_slot(operator, RunnerProfile(name="other"), Voice(log, Masker()))

    assert len(said) == 1
    assert "has the pool 'cards', this task 'default_pool'" in said[0]


def test_a_job_without_a_runner_is_stuck(settings: Settings):
    """It fails with GitLab's reason instead of running where nobody meant it to run."""
    with pytest.raises(SystemFailure, match="'windows'") as failure:
        taken(settings, make_plan_request(replace(JOB, tags=("windows",))))

    assert failure.value.reason is FailureReason.STUCK_PENDING_NO_MATCHING_RUNNERS


def test_a_job_changes_its_runner_and_brings_logins(settings: Settings):
    """What the job's variables say counts for this job alone."""
    job = with_variables(
        KUBERNETES_NAMESPACE_OVERWRITE="ci-a",
        DOCKER_AUTH_CONFIG='{"auths": {"r": {"auth": "eA=="}}}',
    )
    found = taken(settings, make_plan_request(job))

    assert found.runner.namespace == "ci-a"
    assert '"r"' in found.logins


def test_masked_values_are_hidden_from_the_log():
    """What is said about variables may quote them."""
    said: list[str] = []
    log = SimpleNamespace(info=lambda form, words: said.append(form % words))
    Voice(log, Masker(["secret-value"])).note("namespace secret-value")

    assert said == ["namespace [MASKED]"]

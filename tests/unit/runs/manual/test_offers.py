"""What a clear of a task means, told by its tries and by the jobs before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factories import PROJECT, make_context, make_job, make_pipeline, make_variables
from gitlab_ci_provider.model.rules import JobDecision, When
from gitlab_ci_provider.model.run import PipelineRun, Play
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.manual import offers as waiting
from gitlab_ci_provider.settings import Settings

PIPELINE = make_pipeline(make_job("compile", stage="build"), make_job("deploy", when=When.MANUAL))
RUN = PipelineRun(
    id=1,
    iid=1,
    project=PROJECT,
    ref=make_context().ref,
    source="push",
    digest="d",
    created_at="2026-01-01T00:00:00",
    decisions={name: JobDecision(job=name, present=True) for name in PIPELINE.jobs},
)
JOB = JobRun(
    record=RUN,
    pipeline=PIPELINE,
    job=PIPELINE.jobs["deploy"],
    decision=RUN.decisions["deploy"],
    ended={},
    settings=Settings(home=Path("x")),
)


class FakeTask:
    """A task instance: `max_tries` moves when it is cleared, `duration` is of the job before."""

    dag_id, run_id = "dag", "run"

    def __init__(self) -> None:
        self.max_tries = 2
        self.duration = 1.25

    def get_task_breadcrumbs(self, *, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        before = {"task_id": "compile", "state": "success", "duration": self.duration}
        other = {"task_id": "other", "state": "success", "duration": None}
        return [before, other]


class FakeStore(dict[str, Any]):
    def set(self, key: str, value: Any) -> None:
        self[key] = value


@pytest.fixture
def context() -> Any:
    return {"ti": FakeTask(), "task_state_store": FakeStore()}


def clear(context: Any) -> None:
    context["ti"].max_tries += 1


def test_a_job_that_was_never_offered_was_not_cleared(context: Any):
    """The first time a job comes up, nobody has played it."""
    assert not waiting.was_cleared(context, JOB)


def test_clearing_an_offered_job_plays_it(context: Any):
    """A clear moves `max_tries`; nothing else has changed."""
    waiting.offer(context, JOB)

    clear(context)

    assert waiting.was_cleared(context, JOB)


def test_a_lost_worker_plays_nothing(context: Any):
    """Another try without a clear is not a person's wish: the job is offered again."""
    waiting.offer(context, JOB)

    assert not waiting.was_cleared(context, JOB)


def test_a_job_that_is_cleared_along_with_others_is_not_played(context: Any):
    """When a job before it ran again, the clear was of that one: no deployment by accident."""
    waiting.offer(context, JOB)

    clear(context)
    context["ti"].duration = 1.5

    assert not waiting.was_cleared(context, JOB)


def test_a_new_pipeline_forgets(context: Any):
    """When the pipeline itself was created anew, the offer of the old one is void."""
    waiting.offer(context, JOB)
    clear(context)

    anew = replace(JOB, record=replace(RUN, created_at="2026-01-02T00:00:00"))

    assert not waiting.was_cleared(context, anew)


def test_another_try_knows_what_was_given(context: Any):
    """A retry has the play of its turn, a clear asks anew."""
    play = Play(user_id="7", user_name="ada", inputs={"a": [1]}, variables=make_variables(X="1"))
    waiting.keep_play(context, JOB, play)

    assert waiting.played(context, JOB) == play

    clear(context)

    assert waiting.played(context, JOB) is None


def test_what_is_kept_is_plain_json(context: Any):
    """The store takes texts, numbers, lists and mappings only."""
    waiting.keep_play(context, JOB, Play(variables=make_variables(X="1")))

    kept = SimpleNamespace(**context["task_state_store"]["gitlab_ci_played"])
    assert isinstance(kept.play["variables"], list)

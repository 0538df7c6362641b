"""What a clear of a task means, told by its tries and by the jobs before it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from factories import make_variables
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.manual import offers
from unit.runs.support import RUN, clear, make_job_run, make_task_context


@pytest.fixture
def run() -> JobRun:
    return make_job_run(make_task_context())


def test_a_job_that_was_never_offered_was_not_cleared(run: JobRun):
    """The first time a job comes up, nobody has played it."""
    assert not offers.was_cleared(run)


def test_clearing_an_offered_job_plays_it(run: JobRun):
    """A clear moves `max_tries`; nothing else has changed."""
    offers.offer(run)

    clear(run)

    assert offers.was_cleared(run)


def test_a_lost_worker_plays_nothing(run: JobRun):
    """Another try without a clear is not a person's wish: the job is offered again."""
    offers.offer(run)

    assert not offers.was_cleared(run)


def test_a_job_that_is_cleared_along_with_others_is_not_played(run: JobRun):
    """When a job before it ran again, the clear was of that one: no deployment by accident."""
    offers.offer(run)

    clear(run)
    task: Any = run.context["ti"]
    task.duration = 1.5

    assert not offers.was_cleared(run)


def test_a_new_pipeline_forgets(run: JobRun):
    """When the pipeline itself was created again, the offer of the old one is void."""
    offers.offer(run)
    clear(run)

    again = replace(run, record=replace(RUN, created_at="2026-01-02T00:00:00"))

    assert not offers.was_cleared(again)


def test_another_try_knows_what_was_given(run: JobRun):
    """A retry has the play of its turn, a clear asks again."""
    play = Play(user_id="7", user_name="ada", inputs={"a": [1]}, variables=make_variables(X="1"))
    offers.keep_play(run, play)

    assert offers.played(run) == play

    clear(run)

    assert offers.played(run) is None


def test_what_is_kept_is_plain_json(run: JobRun):
    """The store takes texts, numbers, lists and mappings only."""
    offers.keep_play(run, Play(variables=make_variables(X="1")))

    store: Any = run.context["task_state_store"]
    kept = SimpleNamespace(**store["gitlab_ci_played"])
    assert isinstance(kept.play["variables"], list)

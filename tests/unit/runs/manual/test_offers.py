"""What a clear of a task means, told by its tries and by the jobs before it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from factories import make_variables
from gitlab_ci_provider.model.run import Play
from gitlab_ci_provider.runs.manual import offers as waiting
from unit.runs.support import DEPLOY, RUN, clear, make_task_context


@pytest.fixture
def context() -> Any:
    return make_task_context()


def test_a_job_that_was_never_offered_was_not_cleared(context: Any):
    """The first time a job comes up, nobody has played it."""
    assert not waiting.was_cleared(context, DEPLOY)


def test_clearing_an_offered_job_plays_it(context: Any):
    """A clear moves `max_tries`; nothing else has changed."""
    waiting.offer(context, DEPLOY)

    clear(context)

    assert waiting.was_cleared(context, DEPLOY)


def test_a_lost_worker_plays_nothing(context: Any):
    """Another try without a clear is not a person's wish: the job is offered again."""
    waiting.offer(context, DEPLOY)

    assert not waiting.was_cleared(context, DEPLOY)


def test_a_job_that_is_cleared_along_with_others_is_not_played(context: Any):
    """When a job before it ran again, the clear was of that one: no deployment by accident."""
    waiting.offer(context, DEPLOY)

    clear(context)
    context["ti"].duration = 1.5

    assert not waiting.was_cleared(context, DEPLOY)


def test_a_new_pipeline_forgets(context: Any):
    """When the pipeline itself was created anew, the offer of the old one is void."""
    waiting.offer(context, DEPLOY)
    clear(context)

    anew = replace(DEPLOY, record=replace(RUN, created_at="2026-01-02T00:00:00"))

    assert not waiting.was_cleared(context, anew)


def test_another_try_knows_what_was_given(context: Any):
    """A retry has the play of its turn, a clear asks anew."""
    play = Play(user_id="7", user_name="ada", inputs={"a": [1]}, variables=make_variables(X="1"))
    waiting.keep_play(context, DEPLOY, play)

    assert waiting.played(context, DEPLOY) == play

    clear(context)

    assert waiting.played(context, DEPLOY) is None


def test_what_is_kept_is_plain_json(context: Any):
    """The store takes texts, numbers, lists and mappings only."""
    waiting.keep_play(context, DEPLOY, Play(variables=make_variables(X="1")))

    kept = SimpleNamespace(**context["task_state_store"]["gitlab_ci_played"])
    assert isinstance(kept.play["variables"], list)

"""Waiting for another pipeline."""

from __future__ import annotations

import json

from airflow.sdk import TaskInstanceState

from gitlab_ci_provider.operators.airflow_answers import word_of
from gitlab_ci_provider.operators.downstream_trigger import DownstreamTrigger


def test_a_triggerer_makes_the_same_trigger_again():
    """What is kept in the database is plain data, and enough."""
    trigger = DownstreamTrigger(
        dag="d", run="r", until="ended", bridge=["up", "run", "job"], child=True, obeyed=["parent"]
    )

    path, given = trigger.serialize()

    assert path == f"{DownstreamTrigger.__module__}.DownstreamTrigger"
    assert DownstreamTrigger(**json.loads(json.dumps(given))).serialize() == (path, given)


def test_states_are_compared_by_their_words():
    """Airflow answers with enumerations or texts, as it likes."""
    assert word_of(TaskInstanceState.SUCCESS) == word_of("success") == "success"
    assert word_of(None) == "None"

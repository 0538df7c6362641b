"""Waiting for another pipeline."""

from __future__ import annotations

import json
from pathlib import Path

from gitlab_ci_provider.model.cancellation import Cancellation
from gitlab_ci_provider.runs.bridge.cancel_child import orders_to
from gitlab_ci_provider.runs.bridge.trigger import DownstreamTrigger
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state


def test_a_triggerer_makes_the_same_trigger_again():
    """What is kept in the database is plain data, and enough."""
    trigger = DownstreamTrigger(
        dag="d", run="r", until="ended", bridge=["up", "run", "job"], child=True, obeyed=["parent"]
    )

    path, given = trigger.serialize()

    assert path == f"{DownstreamTrigger.__module__}.DownstreamTrigger"
    assert DownstreamTrigger(**json.loads(json.dumps(given))).serialize() == (path, given)


def test_only_orders_to_the_bridge_count(tmp_path: Path):
    """An order to other jobs of the pipeline leaves the wait alone."""
    state = open_state(Settings(home=tmp_path))
    orders = state.cancellations
    orders.give("d", "r", Cancellation(name="one", reason="", jobs=("other",)))
    orders.give("d", "r", Cancellation(name="two", reason="", jobs=("other", "job")))

    assert orders_to(state, "d", "r", "job") == ["two"]

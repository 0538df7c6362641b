"""Whether a triggerer is alive is read from what Airflow's API server says of its health."""

from __future__ import annotations

from typing import Any

import pytest

from gitlab_ci_provider.hooks.triggerer import Life, life_in, triggerer_life


@pytest.mark.parametrize(
    ("triggerer", "life"),
    [
        ({"status": "healthy", "latest_triggerer_heartbeat": "2026-11-29T00:00:00+00:00"}, "alive"),
        ({"status": "unhealthy", "latest_triggerer_heartbeat": None}, "dead"),
        ({"status": None, "latest_triggerer_heartbeat": None}, "dead"),
        (None, "unknown"),
    ],
)
def test_a_triggerer_is_alive_when_airflow_says_so(triggerer: Any, life: Life):
    """One that has never been there is as one that is dead."""
    assert life_in({"metadatabase": {"status": "healthy"}, "triggerer": triggerer}) == life


@pytest.mark.parametrize("answer", [{"detail": "Not Found"}, ["healthy"], None])
def test_another_answer_tells_nothing(answer: Any):
    """As of a server that has only the API for tasks."""
    assert life_in(answer) == "unknown"


def test_a_server_that_does_not_answer_tells_nothing(monkeypatch: pytest.MonkeyPatch):
    """And does not fail the job."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "http://127.0.0.1:1/execution/")

    assert triggerer_life() == "unknown"

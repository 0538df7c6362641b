"""How a process finds connections and Variables."""

from __future__ import annotations

import logging.config

import pytest
from airflow._shared.secrets_masker import SecretsMasker, mask_secret
from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded

from gitlab_ci_provider.airflow_internals.startup import with_database


def names() -> list[str]:
    """Name the places where this process looks."""
    return [type(backend).__name__ for backend in ensure_secrets_backend_loaded()]


def test_a_command_looks_into_the_database():
    """As `airflow` itself does; only for as long as it asks for that."""
    before = names()
    with with_database():
        assert "MetastoreBackend" in names()

    assert "MetastoreBackend" not in before
    assert names() == before


def test_airflow_does_not_write_into_what_a_command_prints(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It takes `"report": "jobs"` in a connection for a secret that is too short to be hidden."""
    monkeypatch.setattr(SecretsMasker, "_has_warned_short_secret", False)
    with with_database():
        # As Airflow's own; else all loggers would be silent, in the tests that follow, too.
        own = {"version": 1, "disable_existing_loggers": False}
        logging.config.dictConfig({**own, "loggers": {"airflow": {"level": "INFO"}}})
        mask_secret({"report": "jobs"})

    assert caplog.text == ""

"""What is said of a connection to Kubernetes that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.kubernetes import connect_to


def test_a_kubeconfig_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is no outage, and no error of ours: the connection is named, and what is wrong with it."""
    extra = {"kube_config_path": str(tmp_path / "nothing")}
    monkeypatch.setenv("AIRFLOW_CONN_JOBS", json.dumps({"conn_type": "kubernetes", "extra": extra}))

    with pytest.raises(SettingsError, match="connection jobs: its kubeconfig is missing"):
        connect_to("jobs", "", outage=0)


def test_a_connection_that_is_missing_is_named():
    """Airflow's own words do not say what it is for."""
    with pytest.raises(SettingsError, match=r"the Airflow connection nothing: .*nothing"):
        connect_to("nothing", "", outage=0)

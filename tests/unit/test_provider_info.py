"""What Airflow reads about this provider, besides its settings."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import airflow
from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types

from gitlab_ci_provider.get_provider_info import get_provider_info


def test_airflow_lists_the_operators_and_triggers():
    """The metadata follows Airflow's schema, and each module that it names has such a class."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    provider = get_provider_info()

    Draft202012Validator(schema).validate(provider)
    for key, base in (("operators", BaseOperator), ("triggers", BaseTrigger)):
        (listed,) = provider[key]
        for name in listed["python-modules"]:
            module = importlib.import_module(name)
            assert any(
                isinstance(kind, type) and issubclass(kind, base) and kind.__module__ == name
                for kind in vars(module).values()
            )


def test_airflow_warns_of_nothing_that_this_provider_has():
    """Each `airflow` command warns of a provider with an executor that says nothing of commands."""
    run = subprocess.run(
        [Path(sys.executable).parent / "airflow", "version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "airflow-provider-gitlab-ci" not in run.stdout + run.stderr

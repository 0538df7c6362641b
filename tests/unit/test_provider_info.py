"""What Airflow reads about this provider, besides its settings."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import airflow
from airflow.dag_processing.bundles.base import BaseDagBundle
from airflow.providers_manager import ProvidersManager
from airflow.sdk import BaseOperator
from airflow.sdk._shared.secrets_masker import should_hide_value_for_key
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
from airflow.triggers.base import BaseTrigger
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no types

from gitlab_ci_provider.connection_types import GITLAB
from gitlab_ci_provider.get_provider_info import get_provider_info
from gitlab_ci_provider.gitlab_api.server import Tls, TokenKind
from gitlab_ci_provider.hooks.gitlab import GitLabHook
from gitlab_ci_provider.hooks.object_store_hook import ObjectStoreHook


def test_airflow_lists_the_operators_and_triggers():
    """The metadata follows Airflow's schema, and each module that it names has such a class."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    provider = get_provider_info()

    Draft202012Validator(schema).validate(provider)
    for key, base in (
        ("operators", BaseOperator),
        ("triggers", BaseTrigger),
        ("bundles", BaseDagBundle),
    ):
        (listed,) = provider[key]
        for name in listed["python-modules"]:
            module = importlib.import_module(name)
            assert any(
                isinstance(kind, type) and issubclass(kind, base) and kind.__module__ == name
                for kind in vars(module).values()
            )


def test_connection_types_have_hooks_and_forms():
    """Airflow knows the form of each, and its choices are those that the hook reads."""
    known = ProvidersManagerTaskRuntime()
    for kind, hook in (("gitlab", GitLabHook), ("gitlab_ci_s3", ObjectStoreHook)):
        found = known.hooks[kind]

        assert found is not None
        assert found.hook_class_name == f"{hook.__module__}.{hook.__name__}"
        assert (found.hook_name, found.connection_testable) == (hook.hook_name, True)
        assert found.connection_id_attribute_name == hook.conn_name_attr
    fields = GITLAB["conn-fields"]
    assert fields["kind"]["schema"]["enum"] == [*TokenKind]
    assert fields["tls"]["schema"]["enum"] == [*Tls]
    secret = ["proxy", "webhook_signing_token", "webhook_token"]
    assert [name for name in fields if should_hide_value_for_key(name)] == secret
    widgets = set(ProvidersManager().connection_form_widgets)
    assert {f"extra__gitlab__{name}" for name in fields} <= widgets


def test_airflow_warns_of_nothing_that_this_provider_has():
    """Each `airflow` command warns of a provider with an executor that says nothing of commands."""
    run = subprocess.run(
        [Path(sys.executable).parent / "airflow", "version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "airflow-provider-gitlab-ci" not in run.stdout + run.stderr

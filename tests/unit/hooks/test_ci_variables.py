"""CI/CD variables from Airflow Variables, here those of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk.execution_time import task_runner

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.ci_variables import configured_variables, values_to_hide
from gitlab_ci_provider.model.names import stored_variables_names
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.settings import Settings
from unit.airflow_internals.supervisor import Comms

SETTINGS = Settings(home=Path("/nonexistent"))
PROJECT = Project(path="g/p", clone_url="")
PREFIX = "AIRFLOW_VAR_GITLAB_CI_SECRET_VARIABLES"


def test_every_level_is_read(monkeypatch: pytest.MonkeyPatch):
    """The instance, the groups from the outside, the project; what is not there is empty."""
    monkeypatch.setenv(PREFIX, '{"A": "instance"}')
    monkeypatch.setenv(f"{PREFIX}__G__SUB", '{"A": "sub"}')
    monkeypatch.setenv(f"{PREFIX}__G__SUB__P", '{"A": "project"}')

    found = configured_variables(Project(path="g/sub/p", clone_url=""), SETTINGS)

    assert [one.value for one in found.instance] == ["instance"]
    assert [[one.value for one in group] for group in found.groups] == [[], ["sub"]]
    assert [one.value for one in found.project] == ["project"]
    assert found.places == (
        "gitlab_ci_secret_variables",
        "gitlab_ci_secret_variables__g__sub",
        "gitlab_ci_secret_variables__g__sub__p",
    )


def test_a_place_that_was_there_must_be_there_again():
    """A job whose variables cannot be read fails; it must not run without them."""
    with pytest.raises(SettingsError, match="'gitlab_ci_secret_variables__g' existed"):
        configured_variables(PROJECT, SETTINGS, expected=["gitlab_ci_secret_variables__g"])


def test_what_is_wrong_is_said_with_its_place(monkeypatch: pytest.MonkeyPatch):
    """Which Airflow Variable, and what about it."""
    monkeypatch.setenv(f"{PREFIX}__G", "no json")

    with pytest.raises(SettingsError, match="Airflow Variable 'gitlab_ci_secret_variables__g'"):
        configured_variables(PROJECT, SETTINGS)


def test_what_must_be_hidden_is_read_or_refused(monkeypatch: pytest.MonkeyPatch):
    """Masked values of all named places; a place that cannot be read is an error."""
    masked = '[{"key": "A", "value": "secret-one", "masked": true}, {"key": "B", "value": "open"}]'
    monkeypatch.setenv(f"{PREFIX}__G", masked)
    place = "gitlab_ci_secret_variables__g"

    assert values_to_hide([place]) == ("secret-one",)
    with pytest.raises(SettingsError, match="'gitlab_ci_secret_variables__h' has values to hide"):
        values_to_hide([place, "gitlab_ci_secret_variables__h"])


KEYS = "GET /variables/keys"


def asked_of(monkeypatch: pytest.MonkeyPatch, expected: list[str], *stored: str) -> list[str]:
    """Read the variables of a job's task; gives the paths that the API server was asked for."""
    answers = {KEYS: (200, {"keys": [*stored], "total_entries": len(stored)})}
    answers |= {
        f"GET /variables/{name}": (200, {"key": name, "value": '{"A": "b"}'}) for name in stored
    }
    comms = Comms(answers)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)
    found = configured_variables(PROJECT, SETTINGS, expected)

    assert set(found.places) == {*stored} & {*stored_variables_names(PROJECT.path)}
    return [path.removeprefix("/variables/") for _, path, *_ in comms.requests]


INSTANCE, GROUP, OWN = stored_variables_names(PROJECT.path)


def test_a_job_asks_once_for_what_does_not_exist(monkeypatch: pytest.MonkeyPatch):
    """For each level that may have variables once more, whenever these were made."""
    assert asked_of(monkeypatch, []) == ["keys"]
    assert asked_of(monkeypatch, [], OWN, f"{INSTANCE}__other") == ["keys", OWN]
    assert asked_of(monkeypatch, [GROUP], GROUP, OWN) == ["keys", GROUP, OWN]


def test_what_cannot_be_listed_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    """A secrets backend may have a Variable of which Airflow's database knows nothing."""
    monkeypatch.setenv(
        "AIRFLOW__SECRETS__BACKEND", "airflow.secrets.local_filesystem.LocalFilesystemBackend"
    )

    assert asked_of(monkeypatch, []) == [INSTANCE, GROUP, OWN]


def test_a_variable_of_the_environment_is_found(monkeypatch: pytest.MonkeyPatch):
    """It is in no list, either."""
    monkeypatch.setenv(f"{PREFIX}__G__P", '{"A": "b"}')
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms({}), raising=False)

    found = configured_variables(PROJECT, SETTINGS, [])

    assert found.places == (OWN,)

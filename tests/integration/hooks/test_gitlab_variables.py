"""CI/CD variables from GitLab's API and from Airflow Variables, for a pipeline and for its jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import GitlabApiError, SettingsError
from gitlab_ci_provider.hooks.ci_variables import configured_variables, values_to_hide
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variables
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.variables.configured import applicable, refuse_withheld
from servers.gitlab.faults import Fault, limit
from servers.gitlab.server import GitLab, gitlab_server

pytestmark = pytest.mark.integration

SETTINGS = Settings(home=Path("/nonexistent"), git_conn_ids="gl")
ALL = "project, groups and instance"
TOKEN = "glpat-of-variables"
PLACES = [
    "gitlab gl admin/ci",
    "gitlab gl groups/shop",
    "gitlab gl groups/shop/web",
    "gitlab gl projects/shop/web/site",
]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    """A project in two groups with variables at each level."""
    with gitlab_server(tmp_path) as running:
        world = running.world
        world.add_project("shop/web/site", {"a": "b"})
        world.add_token(TOKEN, levels={"shop": 50}, admin=True)
        world.things["variables"] = [variable("LEVEL", "instance"), variable("ONLY", "instance")]
        levels = {path: group.things for path, group in world.groups.items()}
        levels["shop/web/site"] = world.projects["shop/web/site"].things
        for path, things in levels.items():
            things["variables"] = [variable("LEVEL", path)]
        connect(monkeypatch, running, variables=ALL)
        yield running


def variable(key: str, value: str | None, **given: Any) -> dict[str, Any]:
    plain = {"variable_type": "env_var", "protected": False, "masked": False, "hidden": False}
    return {**plain, "raw": False, "environment_scope": "*", "key": key, "value": value, **given}


def connect(
    monkeypatch: pytest.MonkeyPatch, served: GitLab, token: str = TOKEN, **extra: str
) -> None:
    value = {"conn_type": "gitlab", "host": served.url, "password": token, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GL", json.dumps(value))


def read(
    served: GitLab,
    path: str = "shop/web/site",
    expected: tuple[str, ...] | None = None,
    patience: float = 0,
) -> ConfiguredVariables:
    project = Project(path=path, clone_url=f"{served.url}/{path}.git")
    return configured_variables(project, SETTINGS, expected, patience)


def values(found: ConfiguredVariables, **given: Any) -> dict[str, str]:
    return applicable(found, **{"protected": False, **given}).as_dict()


def asked(served: GitLab) -> list[str]:
    return [request for request in served.requests if "/api/" in request]


def test_the_closest_level_wins_with_one_request_for_each(served: GitLab):
    """The instance yields to groups, outer groups to inner ones, and those to the project."""
    found = read(served)

    assert values(found) == {"LEVEL": "shop/web/site", "ONLY": "instance"}
    assert [level[0].value for level in found.groups] == ["shop", "shop/web"]
    assert list(found.places) == PLACES
    assert len(asked(served)) == 4


def test_jobs_ask_only_for_levels_that_had_variables(served: GitLab):
    """What a corrected value is reaches the next job; an empty level costs it nothing."""
    served.world.groups["shop"].things["variables"] = []
    created = read(served)
    served.requests.clear()
    served.world.projects["shop/web/site"].things["variables"] = [variable("LEVEL", "corrected")]

    again = read(served, expected=created.places)

    assert values(again)["LEVEL"] == "corrected"
    assert len(asked(served)) == 3


def test_a_job_never_runs_without_variables_that_there_were(
    served: GitLab, monkeypatch: pytest.MonkeyPatch
):
    """A connection that is gone, or allows less than when the pipeline was created, is an error."""
    created = read(served)

    connect(monkeypatch, served, variables="project")
    with pytest.raises(SettingsError, match="'gitlab gl admin/ci' had CI/CD variables when the"):
        read(served, expected=created.places)
    monkeypatch.delenv("AIRFLOW_CONN_GL")
    with pytest.raises(SettingsError, match="had CI/CD variables when the pipeline was created"):
        read(served, expected=created.places)


def test_flags_of_variables(served: GitLab):
    """Protected, masked, file, raw and the environment scope mean what they mean in GitLab."""
    served.contract = None  # a newer GitLab, which says more
    served.world.projects["shop/web/site"].things["variables"] = [
        variable("LOCKED", "protected-value", protected=True, masked=True),
        variable("CONFIG", "text", variable_type="file"),
        variable("RAW", "$LEVEL", raw=True),
        variable("URL", "of review", environment_scope="review/*"),
        variable("NEWER", "value", added_in="GitLab 30"),
    ]
    found = read(served)

    by_name = {known.name: known for known in found.project}
    assert (by_name["CONFIG"].file, by_name["RAW"].expand) == (True, False)
    assert by_name["LOCKED"].masked
    assert "LOCKED" not in values(found)
    assert "LOCKED" in values(found, protected=True)
    assert "URL" not in values(found)
    assert values(found, environment="review/a")["URL"] == "of review"
    assert by_name["NEWER"].value == "value"
    assert values_to_hide([PLACES[3]]) == ("protected-value",)


def test_more_variables_than_a_page_holds(served: GitLab):
    """All pages are read, each with one request."""
    many = [variable(f"V{number}", "x") for number in range(150)]
    served.world.projects["shop/web/site"].things["variables"] = many

    assert len(read(served).project) == 150
    assert len(asked(served)) == 5


def test_an_airflow_variable_wins_over_the_same_level_of_gitlab(
    served: GitLab, monkeypatch: pytest.MonkeyPatch
):
    """Of the same name and environment scope; the levels themselves keep GitLab's order."""
    name = "AIRFLOW_VAR_GITLAB_CI_SECRET_VARIABLES__SHOP"
    monkeypatch.setenv(name, '{"LEVEL": "ours", "OURS": "group"}')

    found = read(served)

    assert [known.value for known in found.groups[0]] == ["ours", "group"]
    assert values(found) == {"LEVEL": "shop/web/site", "ONLY": "instance", "OURS": "group"}
    assert found.places == (*PLACES, "gitlab_ci_secret_variables__shop")


def test_a_hidden_value_has_to_come_from_airflow(served: GitLab, monkeypatch: pytest.MonkeyPatch):
    """GitLab's API does not give it; without it, no rule is evaluated, unless it is not needed."""
    hidden = variable("DEPLOY_TOKEN", "hidden-value", masked=True, hidden=True)
    served.world.projects["shop/web/site"].things["variables"] = [hidden]

    found = read(served)
    with pytest.raises(SettingsError, match=r"hidden variables \(DEPLOY_TOKEN\): put them into"):
        refuse_withheld(found, Variables(), protected=False)

    name = "AIRFLOW_VAR_GITLAB_CI_SECRET_VARIABLES__SHOP__WEB__SITE"
    ours = [{"key": "DEPLOY_TOKEN", "value": "from-airflow", "masked": True}]
    monkeypatch.setenv(name, json.dumps(ours))
    found = read(served)
    refuse_withheld(found, Variables(), protected=False)
    assert values(found)["DEPLOY_TOKEN"] == "from-airflow"


def test_a_person_has_no_variables_of_a_group(served: GitLab):
    """Projects of people are in no group, and GitLab says that it knows no such group."""
    served.world.add_project("robot/own", {"a": "b"})
    served.world.groups["robot"].person = True
    served.world.projects["robot/own"].things["variables"] = [variable("A", "b")]

    assert values(read(served, "robot/own"))["A"] == "b"


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ({"shop": 40}, "of the group shop: .*needs the role Owner in shop"),
        ({"shop": 30}, "of the group shop: .*needs the role Owner in shop"),
        ({"shop/web/site": 40}, "of the group shop: .*needs the role Owner in shop"),
    ],
)
def test_the_role_that_is_missing_is_named(
    served: GitLab, monkeypatch: pytest.MonkeyPatch, levels: dict[str, int], words: str
):
    """A token that may not read a level fails the pipeline; it never runs without them."""
    served.world.add_token("weak", levels=levels)
    connect(monkeypatch, served, "weak", variables="project and groups")

    with pytest.raises(GitlabApiError, match=words):
        read(served)


def test_the_project_and_the_instance_name_their_roles(
    served: GitLab, monkeypatch: pytest.MonkeyPatch
):
    """Maintainer for the one, an administrator for the other."""
    served.world.add_token("weak", levels={"shop": 30})

    connect(monkeypatch, served, "weak", variables="project")
    with pytest.raises(GitlabApiError, match=r"\(403: .*role Maintainer in shop/web/site"):
        read(served)
    connect(monkeypatch, served, "weak", variables=ALL)
    with pytest.raises(GitlabApiError, match="a token of an administrator"):
        read(served)


def test_a_gitlab_that_is_away_is_asked_again_and_then_said(served: GitLab):
    """Passing failures and rate limits cost time only; a GitLab that stays away is an error."""
    served.faults.order(Fault("groups/shop/", times=2, status=503))
    served.faults.order(limit("projects/", times=1, seconds="0"))
    assert len(read(served, patience=60).places) == 4

    served.faults.order(Fault("/variables", times=-1, refuse=True))
    with pytest.raises(GitlabApiError, match="cannot read the CI/CD variables of the instance"):
        read(served)


def test_a_revoked_token_is_said(served: GitLab):
    """It may happen between two jobs."""
    created = read(served)
    served.world.tokens[TOKEN].revoked = True

    with pytest.raises(GitlabApiError, match="revoked; make a new one"):
        read(served, expected=created.places)


def test_the_connection_of_a_bundle_needs_no_setting(served: GitLab):
    """A project that was found with a connection is read with it."""
    url = f"{served.url}/shop/web/site.git"
    project = Project(path="shop/web/site", clone_url=url, gitlab_conn_id="gl")
    settings = Settings(home=Path("/nonexistent"), git_conn_ids="")

    assert list(configured_variables(project, settings, None, 0).places) == PLACES


def test_nothing_is_asked_that_the_connection_does_not_allow(
    served: GitLab, monkeypatch: pytest.MonkeyPatch
):
    """A connection that is only a login for git costs no request."""
    connect(monkeypatch, served)

    assert read(served).places == ()
    assert asked(served) == []

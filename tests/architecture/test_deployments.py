"""`docker/compose.yaml` and `docker/helm`: what they say fits Airflow and the pages about them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.configuration import conf
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it has no types

from gitlab_ci_provider import __version__

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker" / "compose.yaml"
COMPOSE_PAGE = ROOT / "docs" / "how-to" / "compose.md"
HELM_PAGE = ROOT / "docs" / "how-to" / "helm.md"
HELM = ROOT / "docker" / "helm"
KUBERNETES = ROOT / "docker" / "kubernetes"

SECRET = re.compile("PASSWORD$|SECRET|_KEY$|ALCHEMY_CONN|CONN_GITLAB_CI_OBJECT_STORE")
"""Names of variables that have secrets, in whole or in part."""

VARIABLE = re.compile(r"\$\{(\w+)(:[-?])")


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text()))


def environments() -> Iterator[tuple[str, str, str]]:
    """List each service's variables, with their values."""
    for service, said in compose()["services"].items():
        for name, value in said.get("environment", {}).items():
            yield service, name, value


def values() -> dict[str, Any]:
    return dict(yaml.safe_load((HELM / "values.yaml").read_text()))


def options() -> Iterator[tuple[str, str]]:
    """List the options of Airflow's configuration that are set in any of the files."""
    for _, name, _ in environments():
        if name.startswith("AIRFLOW__"):
            _, section, option = name.lower().split("__")
            yield section, option
    for section, said in values()["config"].items():
        for option in said:
            yield section, option


@pytest.mark.parametrize(("section", "option"), sorted(set(options())))
def test_each_option_exists(section: str, option: str):
    """Airflow ignores the others without a word."""
    described: Mapping[str, Any] = conf.configuration_description

    assert option in described[section]["options"]


def test_no_secret_is_in_the_compose_file():
    """Each one is a variable without a default, whose absence ends `docker compose` in words."""
    secrets = {name: value for _, name, value in environments() if SECRET.search(name)}

    assert secrets.keys() > {"POSTGRES_PASSWORD", "AIRFLOW__CORE__FERNET_KEY"}
    for name, value in secrets.items():
        assert ":?" in {kind for _, kind in VARIABLE.findall(value)}, name


def test_the_page_creates_what_the_compose_file_needs():
    """The `.env` of the page has each variable without a default; its table has all others."""
    written, table = COMPOSE_PAGE.read_text().split("## Variables")
    used = dict(VARIABLE.findall(COMPOSE.read_text()))
    made = set(re.findall(r"^(\w+)=", written, re.MULTILINE))

    assert made == {name for name, kind in used.items() if kind == ":?"}
    assert {name for name, kind in used.items() if kind == ":-"} == set(
        re.findall(r"`([A-Z0-9_]+)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    )


@pytest.mark.parametrize("file", [COMPOSE, HELM / "values.yaml"], ids=lambda file: file.name)
def test_the_images_are_those_of_this_version(file: Path):
    """Old ones would not fit the DAG files."""
    found = re.findall(r"gitlab-ci-(?:airflow|helper)(?::|\n +tag: )([\w.]+)", file.read_text())

    assert set(found) == {__version__}


def test_only_services_that_talk_to_the_cluster_have_its_kubeconfig():
    """The scheduler's tasks and the triggerer do; the API server and the DAG processor do not."""
    having = {name for name, said in compose()["services"].items() if "secrets" in said}

    assert having == {"scheduler", "triggerer"}


def test_the_accounts_of_the_chart_have_the_role_of_the_page_on_clusters():
    """The RoleBinding is about the Role that `docker/kubernetes` creates, in its namespace."""
    objects = list(yaml.safe_load_all((HELM / "objects.yaml").read_text()))
    binding = next(found for found in objects if found["kind"] == "RoleBinding")
    roles = [
        found
        for found in yaml.safe_load_all((KUBERNETES / "rbac.yaml").read_text())
        if found["kind"] == "Role"
    ]
    claim = next(found for found in objects if found["kind"] == "PersistentVolumeClaim")

    assert [binding["roleRef"]["name"]] == [role["metadata"]["name"] for role in roles]
    assert binding["metadata"]["namespace"] == roles[0]["metadata"]["namespace"]
    assert values()["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


@pytest.fixture
def chart() -> Path:
    """The official chart, as `helm pull --untar` leaves it; nothing of it is in this repository."""
    folder = os.environ.get("GITLAB_CI_TESTS_CHART")
    if not folder:
        pytest.skip("no chart: GITLAB_CI_TESTS_CHART names its folder")
    return Path(folder)


def test_the_values_are_of_the_chart(chart: Path):
    """They fit the schema of the version that the how-to names, and each is a key of the chart."""
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    schema = json.loads((chart / "values.schema.json").read_text())
    known = yaml.safe_load((chart / "values.yaml").read_text())

    assert f"--version {about['version']}" in HELM_PAGE.read_text()
    found = Draft7Validator(schema).iter_errors(values())
    assert [f"{list(problem.path)}: {problem.message}" for problem in found] == []
    assert list(unknown_keys(values(), known)) == []


def unknown_keys(said: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """List keys that the chart has no default for; the sections of `config` are Airflow's."""
    for key, value in said.items():
        if key not in known:
            yield key
        elif key != "config" and isinstance(value, dict) and isinstance(known[key], dict):
            yield from unknown_keys(value, known[key])

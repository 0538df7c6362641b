"""Environments that several workers change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord
from gitlab_ci_provider.records.environments import Environments
from gitlab_ci_provider.records.store import RecordStore

DEPLOYMENT = Deployment(
    environment="prod", ref="main", sha="a" * 40, pipeline=1, job="deploy", finished_at="now"
)


def record(name: str) -> EnvironmentRecord:
    """Make the record of an environment."""
    return EnvironmentRecord(name=name, slug=name, tier="other")


def save(store: Environments, project: str, name: str) -> None:
    """Store the record of an environment."""
    store.change(project, name, lambda _: record(name))


def test_environments_of_a_project_are_its_own(records: RecordStore):
    """By name; names that look alike as files are still two."""
    store = Environments(records)
    for name in ("review/a", "review-a", "prod"):
        save(store, "group/project", name)
    save(store, "group/other", "elsewhere")

    names = [one.name for one in store.of_project("group/project")]

    assert names == ["prod", "review-a", "review/a"]
    assert store.get("group/project", "review/a") == record("review/a")
    assert store.get("group/project", "elsewhere") is None
    assert store.of_project("group/none") == []


def test_deployments_are_numbered_in_their_project(records: RecordStore):
    """No number is given out twice, however many workers deploy at once."""
    store = Environments(records)

    with ThreadPoolExecutor(8) as workers:
        made = list(workers.map(lambda _: store.deploy("group/project", DEPLOYMENT), range(40)))

    assert sorted(one.iid for one in made) == list(range(1, 41))
    assert store.deploy("group/other", DEPLOYMENT).iid == 1


def test_jobs_that_change_an_environment_at_once_lose_nothing(records: RecordStore):
    """Each change starts from what the one before it has left."""
    store = Environments(records)
    save(store, "group/project", "prod")

    def add(_: int) -> None:
        store.change("group/project", "prod", _with_longer_url)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(add, range(40)))

    found = store.get("group/project", "prod")
    assert found is not None
    assert found.url == "x" * 40


def _with_longer_url(known: EnvironmentRecord | None) -> EnvironmentRecord:
    assert known is not None
    return replace(known, url=f"{known.url}x")


def test_a_record_that_cannot_be_read_says_which(records: RecordStore):
    """Another version may have written it; nobody guesses what it meant."""
    store = Environments(records)
    save(store, "group/project", "prod")
    (key,) = records.keys("environments/")
    records.write(key, b'{"name": 7}')

    with pytest.raises(StateError, match="delete it to start over"):
        store.get("group/project", "prod")
    with pytest.raises(StateError, match="environments/prod"):
        save(store, "group/project", "prod")
    with pytest.raises(StateError, match="environments/prod"):
        store.of_project("group/project")

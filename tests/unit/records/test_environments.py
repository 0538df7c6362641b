"""Environments as files that several workers write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord
from gitlab_ci_provider.records.environments import Environments

DEPLOYMENT = Deployment(
    environment="prod", ref="main", sha="a" * 40, pipeline=1, job="deploy", finished_at="now"
)


def record(name: str) -> EnvironmentRecord:
    """Make the record of an environment."""
    return EnvironmentRecord(name=name, slug=name, tier="other")


def test_environments_of_a_project_are_its_own(tmp_path: Path):
    """By name; names that look alike as files are still two."""
    store = Environments(tmp_path)
    for name in ("review/a", "review-a", "prod"):
        store.save("group/project", record(name))
    store.save("group/other", record("elsewhere"))

    names = [one.name for one in store.of_project("group/project")]

    assert names == ["prod", "review-a", "review/a"]
    assert store.get("group/project", "review/a") == record("review/a")
    assert store.get("group/project", "elsewhere") is None
    assert store.of_project("group/none") == []


def test_deployments_are_numbered_in_their_project(tmp_path: Path):
    """No number is given out twice, however many workers deploy at once."""
    store = Environments(tmp_path)

    with ThreadPoolExecutor(8) as workers:
        made = list(workers.map(lambda _: store.deploy("group/project", DEPLOYMENT), range(40)))

    assert sorted(one.iid for one in made) == list(range(1, 41))
    assert store.deploy("group/other", DEPLOYMENT).iid == 1


def test_a_record_that_cannot_be_read_says_which(tmp_path: Path):
    """Another version may have written it; nobody guesses what it meant."""
    store = Environments(tmp_path)
    store.save("group/project", record("prod"))
    (path,) = tmp_path.glob("*/environments/prod*")
    path.write_bytes(b'{"name": 7}')

    with pytest.raises(SourceError, match="remove it to begin anew"):
        store.get("group/project", "prod")
    with pytest.raises(SourceError, match="environments/prod"):
        store.of_project("group/project")

"""The operator that prunes, with Airflow's connection of a real object store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.operators.artifact_prune import ArtifactPruneOperator
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from gitlab_ci_provider.storage.keys import cache_object_key
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server
from stored_artifacts import SHOP

pytestmark = pytest.mark.integration

CACHE = cache_object_key(SHOP, "k")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A store with a cache that was last used in 1970."""
    monkeypatch.setenv("AIRFLOW__GITLAB_CI__HOME", str(tmp_path / "home"))
    use = CacheUse(object_key=CACHE, name="k", ref="main", job="j", used_at=1)
    open_state(Settings(home=tmp_path / "home")).uses.note_caches([use])
    with s3_server(tmp_path / "s3") as running:
        running.put(CACHE, b"cache")
        connection = {
            "conn_type": "aws",
            "login": ACCESS_KEY,
            "password": SECRET_KEY,
            "extra": {"bucket": BUCKET, "endpoint_url": running.target().endpoint_url},
        }
        monkeypatch.setenv("AIRFLOW_CONN_GITLAB_CI_OBJECT_STORE", json.dumps(connection))
        yield running


def test_it_deletes_and_returns_numbers(server: S3Server):
    """By kind; a dry run returns the same and deletes nothing."""
    expected = {"deleted": {"cache": 1}, "bytes": 5, "kept": {}}

    assert ArtifactPruneOperator(task_id="prune", dry_run=True).execute({}) == expected
    assert (server.bucket / CACHE).exists()
    assert ArtifactPruneOperator(task_id="prune", project="group/shop").execute({}) == expected
    assert not (server.bucket / CACHE).exists()


def test_other_projects_are_left_alone(server: S3Server):
    """When one is named."""
    found = ArtifactPruneOperator(task_id="prune", project="group/other").execute({})

    assert found["deleted"] == {}
    assert (server.bucket / CACHE).exists()


def test_without_a_store_there_is_nothing_to_do():
    """The task is skipped and names the connection: installations without one have no artifacts."""
    operator = ArtifactPruneOperator(task_id="prune", object_store_conn_id="no_store")

    with pytest.raises(AirflowSkipException, match="there is no connection 'no_store'"):
        operator.execute({})

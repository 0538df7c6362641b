"""Old layers are deleted from a real registry, with each kind of login."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.hooks.registry_client import TaggedImage
from gitlab_ci_provider.operators.prune_image_cache import PruneImageCacheOperator, expired
from gitlab_ci_provider.runs.task_errors import TaskFailed
from servers.image_registry import Mood, Registry, gate_to, running_registry

LOGIN = "robot:pa55word-of-the-registry"
OLD, OLDER, NEWER = ("0" * 64, "1" * 64, "f" * 64)
NEW = f"{datetime.now(UTC):%Y-%m-%d}"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry") as running:
        file = tmp_path / "file"
        for tag, day in ((OLD, "2020-01-01"), (OLDER, "2019-01-01"), (NEWER, NEW)):
            file.write_text(tag)
            running.push("group/cache", tag, {"file": file}, day)
        file.write_text("release")
        running.push("group/cache", "1.0", {"file": file}, "2018-01-01")
        running.push("group/app", OLD, {"file": file}, "2020-01-01")
        yield running


def _prune(host: str, **options: Any) -> list[str]:
    given = {"cache_repo": f"{host}/group/cache", "days": 30, "insecure": True, **options}
    return PruneImageCacheOperator(task_id="prune", **given).execute({})


def test_what_is_old_is_deleted(registry: Registry):
    """New layers stay, and an old image that has a name, and every other repository."""
    assert sorted(_prune(registry.host)) == [OLD, OLDER]

    assert sorted(registry.tags("group/cache")) == ["1.0", NEWER]
    assert registry.tags("group/app") == [OLD]
    assert _prune(registry.host) == []


def test_a_repository_that_is_not_there_is_empty(registry: Registry):
    """The first build has not been yet: that is no failure."""
    assert _prune(registry.host, cache_repo=f"{registry.host}/group/none") == []


@pytest.mark.parametrize("mood", ["login", "token"])
def test_the_registry_gets_the_login_that_it_asks_for(
    registry: Registry, mood: Mood, monkeypatch: pytest.MonkeyPatch
):
    """The login itself, or a token that the registry's own server gives for it."""
    user, _, password = LOGIN.partition(":")
    with gate_to(registry, mood=mood, logins=frozenset({LOGIN})) as gate:
        connection = {"conn_type": "docker", "host": gate.host, "login": user}
        monkeypatch.setenv(
            "AIRFLOW_CONN_REGISTRY", json.dumps({**connection, "password": password})
        )
        assert len(_prune(gate.host, registry_conn_id="registry")) == 2


def test_a_refusal_is_told_without_the_login(registry: Registry):
    """The status and the registry's own words; no traceback and no password."""
    with (
        gate_to(registry, mood="login", logins=frozenset({LOGIN})) as gate,
        pytest.raises(TaskFailed, match=r"401 .*authentication required"),
    ):
        _prune(gate.host)


@pytest.mark.parametrize("options", [{"cache_repo": "r.example.com/app:1"}, {"days": 0}])
def test_what_would_delete_too_much_is_refused(options: dict[str, Any]):
    """A tag is not a repository, and a cache of no days is not a cache."""
    with pytest.raises(TaskFailed):
        _prune("r.example.com", **options)


def test_an_image_without_a_date_stays():
    """What does not say how old it is cannot be too old."""
    image = TaggedImage(tag=OLD, digest="sha256:0", created=None)

    assert expired([image], datetime.now(UTC)) == []


def test_a_layer_that_somebody_has_named_stays():
    """Its deletion would take the other tag along."""
    past = datetime(2020, 1, 1, tzinfo=UTC)
    images = [TaggedImage(tag=tag, digest="sha256:0", created=past) for tag in (OLD, "1.0")]

    assert expired(images, datetime.now(UTC)) == []

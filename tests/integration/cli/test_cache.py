"""`gitlab-dags cache`, on a real object store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from factories import make_dag_record
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.state import State
from gitlab_ci_provider.storage.keys import cache_object_key
from gitlab_ci_provider.storage.s3 import S3Store
from stored_artifacts import SHOP
from stores import save_dag

pytestmark = pytest.mark.integration

Command = Callable[..., int]


@pytest.fixture
def caches(put: Callable[[str, bytes], None], state: State) -> dict[str, str]:
    """Two caches that jobs have used, and one that none has; their object keys."""
    keys = {name: cache_object_key(SHOP, name) for name in ("gems-protected", "npm/a", "unknown")}
    for position, (name, key) in enumerate(keys.items()):
        put(key, b"x" * 2048)
        if name != "unknown":
            use = CacheUse(
                object_key=key,
                name=name,
                ref="main" if position else "topic",
                job=f"job {position}",
                used_at=state.snapshots.clock() - 3600 * (position + 1),
                run=f"run {position}",
            )
            state.uses.note_caches([use])
    return keys


def test_lists_caches_with_their_last_use(
    command: Command, caches: dict[str, str], capsys: pytest.CaptureFixture[str]
):
    """The last used first; those that no job of this installation has used, last."""
    assert command("cache", "list", "group/shop") == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["KEY", "SIZE", "USED", "REF", "JOB"]
    assert [line.split()[0].split("-")[0] for line in lines[1:]] == ["gems", "npm_a", "unknown"]
    assert lines[1].split()[1:] == ["2.0", "KiB", "1h", "topic", "job", "0"]
    assert lines[3].split()[-3:] == ["-", "-", "-"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--key", "npm/*"], ["npm/a"]),
        (["--ref", "topic"], ["gems-protected"]),
        (["--job", "job 1"], ["npm/a"]),
        (["--run", "run 0"], ["gems-protected"]),
        (["--key", "none"], []),
    ],
)
def test_lists_only_what_is_asked_for(
    command: Command,
    caches: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    expected: list[str],
):
    """By key, ref, job or run; exit code 1 when there is nothing."""
    code = command("cache", "list", "group/shop", "--json", *flags)

    listed = json.loads(capsys.readouterr().out)["caches"]
    assert [found["key"] for found in listed] == expected
    assert code == (0 if expected else 1)


def test_clears_all_caches_of_a_project(
    command: Command,
    caches: dict[str, str],
    state: State,
    shelf: S3Store,
    put: Callable[[str, bytes], None],
):
    """Later jobs use other keys, as in GitLab; what is of other projects stays."""
    put("project/group/other/k.tar.zst", b"x")

    assert command("cache", "clear", "group/shop") == 0

    assert [found.key for found in shelf.objects("")] == ["project/group/other/k.tar.zst"]
    assert state.uses.cache_index("group/shop") == 1
    assert state.uses.caches() == {}


def test_clears_single_caches(
    command: Command, caches: dict[str, str], state: State, shelf: S3Store
):
    """The keys of the others stay the same."""
    assert command("cache", "clear", "group/shop", "--key", "npm/*") == 0

    left = {found.key for found in shelf.objects("project/")}
    assert left == {caches["gems-protected"], caches["unknown"]}
    assert state.uses.cache_index("group/shop") == 0


def test_folders_of_the_same_name_are_different_projects(
    command: Command,
    put: Callable[[str, bytes], None],
    state: State,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    """Their caches are told apart by the folder, so that none of another's is cleared."""
    keys = {}
    for name, path in (("first", "local/app"), ("second", "local/app-2")):
        (tmp_path / name / "app" / ".git").mkdir(parents=True)
        project = Project(path=path, clone_url=(tmp_path / name / "app").as_uri())
        save_dag(state.snapshots, make_dag_record(dag_id=dag_id(path), project=project))
        keys[name] = cache_object_key(project, "gems")
        put(keys[name], b"x")

    for name, key in keys.items():
        assert command("cache", "list", str(tmp_path / name / "app"), "--json") == 0
        listed = json.loads(capsys.readouterr().out)["caches"]
        assert [cache["object_key"] for cache in listed] == [key]

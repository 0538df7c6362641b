"""`gitlab-dags prune`, on a real object store: what is deleted, and what never is."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from factories import CREATED_AT, MAIN
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.retention.guard import Guard
from gitlab_ci_provider.retention.policy import DAY, Policy, Reason
from gitlab_ci_provider.retention.prune import Pruning
from gitlab_ci_provider.state import State
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError
from gitlab_ci_provider.storage.keys import (
    ARCHIVE_NAME,
    artifacts_key,
    cache_object_key,
    dotenv_key,
    results_key,
)
from gitlab_ci_provider.storage.s3 import S3Store
from stored_artifacts import SHOP, enter, leave, zip_of

pytestmark = pytest.mark.integration

Command = Callable[..., int]
Put = Callable[[str, bytes], None]

PAST, FUTURE = 1000, 4102444800
TOPIC = Ref(name="topic", sha="b" * 40)


def pruning(shelf: S3Store, state: State, **given: Any) -> Pruning:
    """Prepare to prune, in an Airflow in which nothing runs."""
    policy = given.pop("policy", Policy())
    is_open = given.pop("is_open", lambda dag, run: False)
    return Pruning(
        shelf=shelf,
        uses=state.uses,
        guard=Guard(state.register, is_open, policy),
        policy=policy,
        clock=given.pop("clock", state.snapshots.clock),
        **given,
    )


def prune(shelf: S3Store, state: State, **given: Any) -> dict[str, list[str]]:
    """Prune; return the first keys of what was judged, by reason."""
    pruned = pruning(shelf, state, **given)
    found: dict[str, list[str]] = {}
    for verdict in pruned.carry_out(pruned.survey()):
        assert not verdict.problem
        found.setdefault(str(verdict.reason), []).append(verdict.item.keys[0])
    return found


def left(shelf: S3Store) -> list[str]:
    """List all objects."""
    return [stored.key for stored in shelf.objects("")]


def test_only_lists_unless_it_is_told_to_delete(
    command: Command, put: Put, state: State, shelf: S3Store, capsys: pytest.CaptureFixture[str]
):
    """The same list, with numbers, and then it is gone."""
    key = leave(put, enter(state, status="failed").id, expire_at=PAST)

    assert command("prune", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert key in left(shelf)
    assert command("prune", "--delete") == 0

    assert [item["keys"][0] for item in listed["items"]] == [key]
    assert (listed["deleted"], listed["items"][0]["reason"]) == (False, "expired")
    assert listed["bytes"] > 0
    assert "deleted: 1" in capsys.readouterr().err
    assert left(shelf) == []


def test_all_of_an_expired_try_is_deleted_and_nothing_else(put: Put, state: State, shelf: S3Store):
    """Archive, reports, what was read from them, variables, indexes; other objects stay."""
    pipeline = enter(state, status="failed").id
    key = leave(put, pipeline, "build", expire_at=PAST)
    report = leave(put, pipeline, "build", report="junit", expire_at=PAST)
    put(results_key(report), b"{}")
    stay = [
        leave(put, pipeline, "build", attempt=2, expire_at=FUTURE),
        leave(put, pipeline, "never", expire_at=None),
    ]
    foreign = [
        "artifacts/readme.txt",
        "other/artifacts/p/1/j/1/artifacts.zip",
        "images/a/image.json",
    ]
    for name in foreign:
        put(name, b"x")

    prune(shelf, state)

    kept = {name for name in left(shelf) if not name.endswith(".index.json")}
    assert key not in kept
    assert kept == {*stay, *foreign}


def test_what_has_no_index_expires_as_artifacts_without_expire_in(
    put: Put, state: State, shelf: S3Store
):
    """Its job died before the index was there; the pipeline says how old it is."""
    pipeline = enter(state, status="failed").id
    key = artifacts_key(SHOP, pipeline, "build", 1)
    put(key, zip_of({"a": b"1"}))
    put(dotenv_key(key), b"[]")

    assert prune(shelf, state, policy=Policy(artifacts_expire_in=0)) == {}
    assert prune(shelf, state) == {"expired": [key, dotenv_key(key)]}


def test_the_latest_successful_pipeline_of_each_ref_is_kept(put: Put, state: State, shelf: S3Store):
    """With its child pipelines, beyond `expire_in`; one that failed later changes nothing."""
    old, latest, failed = enter(state), enter(state), enter(state, status="failed")
    topic = enter(state, TOPIC)
    child = enter(state, replace(MAIN, name="child"), status="failed", parent=latest.id)
    keys = {entry.id: leave(put, entry.id, expire_at=PAST) for entry in (old, latest, failed)}
    kept = [keys[latest.id], leave(put, topic.id, expire_at=PAST)]
    kept.append(leave(put, child.id, expire_at=PAST))
    young = _soon_after_they_were_made()

    found = prune(shelf, state, clock=young)

    assert sorted(found["expired"]) == sorted([keys[old.id], keys[failed.id]])
    assert sorted(found["latest of its ref"]) == sorted(kept)


def _soon_after_they_were_made() -> Callable[[], float]:
    made = datetime.fromisoformat(CREATED_AT).timestamp()
    return lambda: made + 2 * DAY


def test_latest_ones_are_not_kept_for_ever(put: Put, state: State, shelf: S3Store):
    """Nobody tells when a branch was deleted; 0 does not keep them at all."""
    key = leave(put, enter(state).id, expire_at=PAST)
    young = _soon_after_they_were_made()

    none = prune(shelf, state, clock=young, policy=Policy(artifacts_keep_latest=0))

    assert none == {"expired": [key]}
    key = leave(put, enter(state).id, expire_at=PAST)
    assert prune(shelf, state, clock=lambda: young() + 400 * DAY) == {"expired": [key]}


@pytest.mark.parametrize(
    ("status", "is_open", "kept"),
    [
        ("running", True, True),
        ("running", None, True),
        ("running", False, False),  # stopped before it could tell the register
        ("failed", True, True),  # cleared in Airflow: it runs again
        ("failed", None, False),
    ],
)
def test_a_running_pipeline_loses_nothing(
    put: Put, state: State, shelf: S3Store, status: str, is_open: bool | None, kept: bool
):
    """Airflow knows which runs are open; where it cannot be asked, the register counts."""
    key = leave(put, enter(state, status=status).id, expire_at=PAST)

    found = prune(shelf, state, is_open=lambda dag, run: is_open)

    assert found == ({"its pipeline runs": [key]} if kept else {"expired": [key]})


def test_caches_expire_after_their_last_use(put: Put, state: State, shelf: S3Store):
    """One that no job has noted yet begins to age when it is first seen."""
    now = state.snapshots.clock()
    keys = {name: cache_object_key(SHOP, name) for name in ("old", "new", "unknown")}
    for name, key in keys.items():
        put(key, b"x")
        if name != "unknown":
            used_at = now - (31 * DAY if name == "old" else 29 * DAY)
            use = CacheUse(object_key=key, name=name, ref="main", job="j", used_at=used_at)
            state.uses.note_caches([use])

    assert prune(shelf, state) == {"not used": [keys["old"]]}
    assert left(shelf) == sorted([keys["new"], keys["unknown"]])

    later = prune(shelf, state, clock=lambda: now + 29 * DAY)
    assert later == {"not used": [keys["new"]]}
    assert prune(shelf, state, clock=lambda: now + 31 * DAY) == {"not used": [keys["unknown"]]}


def test_uses_of_caches_that_do_not_exist_are_forgotten(state: State, shelf: S3Store):
    """Keys that jobs would have fallen back to must not fill the state; recent ones stay."""
    now = state.snapshots.clock()
    for name, days in (("old", 31), ("new", 29)):
        use = CacheUse(
            object_key=cache_object_key(SHOP, name),
            name=name,
            ref="main",
            job="j",
            used_at=now - days * DAY,
        )
        state.uses.note_caches([use])

    prune(shelf, state)

    assert [use.name for use in state.uses.caches().values()] == ["new"]


def test_a_budget_deletes_the_oldest_of_a_project(put: Put, state: State, shelf: S3Store):
    """Until the rest fits; each project has its own, and what was used today stays."""
    now = state.snapshots.clock()
    other = replace(SHOP, path="group/other")
    caches = [(SHOP, "a", 9), (SHOP, "b", 5), (SHOP, "c", 0), (other, "d", 9)]
    keys = {}
    for project, name, days in caches:
        keys[name] = cache_object_key(project, name)
        put(keys[name], b"x" * 100)
        use = CacheUse(
            object_key=keys[name], name=name, ref="main", job="j", used_at=now - days * DAY
        )
        state.uses.note_caches([use])

    assert prune(shelf, state, policy=Policy(cache_max_size=200)) == {"over budget": [keys["a"]]}
    tight = prune(shelf, state, policy=Policy(cache_max_size=10))

    assert tight["used in the last day"] == [keys["c"]]
    assert sorted(tight["over budget"]) == sorted([keys["b"], keys["d"]])


def test_a_budget_of_artifacts_spares_what_is_needed(put: Put, state: State, shelf: S3Store):
    """The latest successful pipeline and running ones, however large they are."""
    old, latest, running = enter(state), enter(state), enter(state, status="running")
    keys = [leave(put, entry.id, expire_at=FUTURE) for entry in (old, latest, running)]
    policy = Policy(artifacts_max_size=1)

    found = prune(
        shelf,
        state,
        policy=policy,
        clock=_soon_after_they_were_made(),
        is_open=lambda dag, run: None,
    )

    assert found["over budget"] == [keys[0]]
    assert found["latest of its ref"] == [keys[1]]
    assert found["its pipeline runs"] == [keys[2]]


def test_what_starts_after_the_survey_loses_nothing(put: Put, state: State, shelf: S3Store):
    """A job of another pipeline, a pipeline that is run again, a job with a cache."""
    used, again = enter(state, status="failed"), enter(state, TOPIC, status="failed")
    gone = enter(state, status="failed")
    keys = [leave(put, entry.id, expire_at=PAST) for entry in (used, again, gone)]
    cache = cache_object_key(SHOP, "k")
    put(cache, b"x")
    use = CacheUse(object_key=cache, name="k", ref="main", job="j", used_at=1)
    state.uses.note_caches([use])
    open_runs: set[str] = set()
    pruned = pruning(shelf, state, is_open=lambda dag, run: run in open_runs)

    survey = pruned.survey()
    assert len(survey) == 4
    state.uses.note_artifacts(used.id, state.snapshots.clock())
    open_runs.add(again.run_id)
    state.uses.note_caches([replace(use, used_at=state.snapshots.clock())])
    ended = {verdict.item.keys[0]: verdict.reason for verdict in pruned.carry_out(survey)}

    assert ended == {
        keys[0]: Reason.IN_USE,
        keys[1]: Reason.RUNNING,
        keys[2]: Reason.EXPIRED,
        cache: Reason.IN_USE,
    }
    assert {cache, keys[0], keys[1]} <= set(left(shelf))
    assert keys[2] not in left(shelf)


def _read_patiently(shelf: S3Store, key: str) -> None:
    """Try again as jobs do: rclone answers 500 while it deletes the object."""
    while True:
        try:
            shelf.read(key, 0, 1)
        except StorageUnavailableError:
            continue
        return


def test_jobs_that_start_while_it_runs_find_their_artifacts(put: Put, state: State, shelf: S3Store):
    """Each job that was noted before its artifacts were taken out of use can read them."""
    pipelines = [enter(state, status="failed").id for _ in range(12)]
    keys = {pipeline: leave(put, pipeline, expire_at=PAST) for pipeline in pipelines}
    pruned = pruning(shelf, state)
    survey = pruned.survey()

    def job(pipeline: int) -> bool:
        state.uses.note_artifacts(pipeline, state.snapshots.clock())
        taken = state.uses.artifacts(pipeline).pruned_at > 0
        try:
            _read_patiently(shelf, keys[pipeline])
        except MissingObjectError:
            assert taken, "a job was noted in time, and its artifacts are gone"
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        running = pool.submit(pruned.carry_out, survey)
        found = list(pool.map(job, reversed(pipelines)))
        running.result()

    assert len(found) == len(pipelines)
    assert [state.uses.artifacts(pipeline).pruned_at > 0 for pipeline in reversed(pipelines)].count(
        False
    ) == sum(key in left(shelf) for key in keys.values())


def test_an_interrupted_prune_is_taken_up(put: Put, state: State, shelf: S3Store):
    """The index goes last: without it, nobody would know when the rest expires."""
    key = leave(put, enter(state, status="failed").id, expire_at=PAST)
    shelf.delete([key])

    prune(shelf, state)

    assert left(shelf) == []


def test_an_author_cannot_choose_when_others_artifacts_expire(
    put: Put, state: State, shelf: S3Store
):
    """Names in an index cannot look like its times."""
    evil = 'a","created":1,"expire_at":1,"files":[]}'
    leave(put, enter(state, status="failed").id, evil, expire_at=FUTURE)

    assert prune(shelf, state) == {}


def test_only_one_project(command: Command, put: Put, state: State, shelf: S3Store):
    """Others stay as they are."""
    pipeline = enter(state, status="failed").id
    other = leave(put, pipeline, expire_at=PAST, project=replace(SHOP, path="group/other"))
    leave(put, pipeline, expire_at=PAST)

    assert command("prune", "group/shop", "--delete") == 0

    assert [key for key in left(shelf) if key.endswith(ARCHIVE_NAME)] == [other]


@pytest.mark.parametrize("flags", [["--cache-expire-in", "soon"], ["--cache-max-size", "much"]])
def test_a_limit_that_cannot_be_read_is_refused(
    command: Command, flags: list[str], capsys: pytest.CaptureFixture[str]
):
    """Before anything is deleted, with the flag and what it wants."""
    with pytest.raises(SystemExit) as ended:
        command("prune", *flags)

    assert ended.value.code == 2
    assert f"{flags[0]} is '{flags[1]}'" in capsys.readouterr().err

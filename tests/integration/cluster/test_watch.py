"""Watches behave as recorded: versions, selectors, bookmarks, and histories that are gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration.cluster.support import CLUSTERS_OWN, RECORDED, Api, pod, recording


def make(api: Api, name: str, **labels: str) -> dict[str, Any]:
    return api.create("configmaps", {"metadata": {"name": name, "labels": labels}})


def version_of(api: Api) -> str:
    return api.http.get(api.path("configmaps")).json()["metadata"]["resourceVersion"]


def test_watch_without_version_begins_with_what_is_there(api: Api):
    """No version, or 0, makes an ADDED for each object that exists."""
    make(api, "a")
    for params in ({}, {"resourceVersion": "0"}):
        with api.watch("configmaps", timeoutSeconds=1, **params) as events:
            seen = [(event["type"], event["object"]["metadata"]["name"]) for event in events]

        assert [step for step in seen if step[1] not in CLUSTERS_OWN] == [("ADDED", "a")]


def test_watch_from_a_version_misses_nothing(api: Api):
    """All changes after the version of a list come, in order, with rising versions."""
    version = version_of(api)
    made = make(api, "a")
    api.patch("configmaps", "a", {"data": {"x": "y"}})
    api.delete("configmaps", "a")

    with api.watch("configmaps", resourceVersion=version, timeoutSeconds=1) as events:
        # A real cluster puts ConfigMaps of its own into a new namespace.
        seen = [event for event in events if event["object"]["metadata"]["name"] == "a"]

    assert [event["type"] for event in seen] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(versions)
    assert versions[0] == int(made["metadata"]["resourceVersion"])
    assert versions[0] > int(version)


def test_entering_a_selection_adds_and_leaving_it_deletes(api: Api):
    """As recorded: the object that leaves is shown as it last matched."""
    make(api, "a", state="off")
    version = version_of(api)
    for state in ("on", "off"):
        api.patch("configmaps", "a", {"metadata": {"labels": {"state": state}}})

    params = {"labelSelector": "state=on", "resourceVersion": version, "timeoutSeconds": 1}
    with api.watch("configmaps", **params) as events:
        seen = [(event["type"], event["object"]["metadata"]["labels"]) for event in events]

    assert seen == [("ADDED", {"state": "on"}), ("DELETED", {"state": "on"})]


@RECORDED
def test_initial_events_end_with_a_bookmark(api: Api):
    """`sendInitialEvents` tells where the past ends, in the recorded form."""
    make(api, "a")
    recorded = recording("watch.json")["send_initial_events"]["lines"][-1]["line"]
    params = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    with api.watch("pods", **params, allowWatchBookmarks="true", timeoutSeconds=1) as events:
        bookmark = next(events)

    wanted = json.loads(recorded)
    wanted["object"]["metadata"]["resourceVersion"] = bookmark["object"]["metadata"][
        "resourceVersion"
    ]
    assert bookmark == wanted


@RECORDED
def test_bookmark_comes_before_the_end(api: Api):
    """Who asked for bookmarks gets one a second before the time is over."""
    params = {"allowWatchBookmarks": "true", "resourceVersion": version_of(api)}
    with api.watch("configmaps", **params, timeoutSeconds=2) as events:
        seen = list(events)

    assert [event["type"] for event in seen] == ["BOOKMARK"]


@RECORDED
def test_version_that_is_forgotten_gives_the_recorded_error(api: Api):
    """Too old a version ends the watch with one ERROR event of code 410."""
    recorded = json.loads(recording("watch.json")["rv_1_too_old"]["lines"][0]["line"])
    with api.watch("configmaps", resourceVersion="1", timeoutSeconds=5) as events:
        seen = list(events)

    message = seen[0]["object"].pop("message")
    recorded["object"].pop("message")
    assert seen == [recorded]
    assert message.startswith("too old resource version: 1 (")


@RECORDED
@pytest.mark.parametrize("name", ["rv_garbage", "send_initial_events_missing_match"])
def test_bad_watches_get_the_recorded_answer(api: Api, name: str):
    """A watch that makes no sense is refused before it begins."""
    recorded = recording("watch.json")[name]
    path = recorded["request"]["path"].replace("/recwatch/", f"/{api.namespace}/")

    answer = api.http.get(path)

    assert answer.status_code == recorded["status"]
    assert answer.json() == json.loads(recorded["lines"][0]["line"])


def test_lists_come_in_pages(api: Api):
    """`limit` and `continue` go through all objects, each once."""
    for number in range(5):
        make(api, f"c{number}")
    names, token = [], ""
    while True:
        params = {"limit": "2", **({"continue": token} if token else {})}
        page = api.http.get(api.path("configmaps"), params=params).json()
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue")
        if not token:
            break

    ours = [name for name in names if name not in CLUSTERS_OWN]
    assert ours == [f"c{number}" for number in range(5)]
    bad = api.http.get(api.path("configmaps"), params={"limit": "1", "continue": "garbage"})
    assert bad.status_code == 400


@RECORDED
def test_watch_as_table_prints_as_kubectl_does(api: Api):
    """Only the first event of a Table watch has columns."""
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    api.run("a", "true")
    params = {"watch": "true", "timeoutSeconds": "1"}
    with api.http.stream("GET", api.path("pods"), params=params, headers=accept) as stream:
        events = [json.loads(line) for line in stream.iter_lines()]

    table = events[0]["object"]
    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]][:4] == [
        *("Name", "Ready", "Status", "Restarts")
    ]
    assert table["rows"][0]["cells"][:4] == ["a", "0/1", "Completed", "0"]


def test_fifty_pods_at_once_all_succeed(api: Api):
    """A crowd of pods is run, each to its end."""
    version = api.http.get(api.path("pods")).json()["metadata"]["resourceVersion"]
    for number in range(50):
        api.create("pods", pod(f"p{number}"))
    done = set()
    with api.watch("pods", resourceVersion=version) as events:
        for event in events:
            if event["object"]["status"]["phase"] == "Succeeded":
                done.add(event["object"]["metadata"]["name"])
            if len(done) == 50:
                break

    assert len(done) == 50

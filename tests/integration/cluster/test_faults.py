"""The cluster misbehaves as it is told, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.cluster.faults import misbehaving
from integration.cluster.support import Api, EmbeddedCluster, pod, refused
from processes.waiting import wait_until

httpx = pytest.importorskip("httpx")


@pytest.fixture
def api(unkind_api: Api) -> Api:
    return unkind_api


def printing(api: Api, name: str, lines: int = 5) -> None:
    api.run(name, f"for i in $(seq {lines}); do echo line $i; done")


def test_statuses_and_counts(api: Api, faults: Path):
    """So many requests of a verb fail, with Retry-After, after so many were served."""
    fault = {"verb": "list", "path": "*/pods*", "skip": 1, "count": 2, "status": 429}
    with misbehaving(faults, {**fault, "retry_after": 7}):
        answers = [api.http.get(api.path("pods")) for _ in range(4)]
        other = api.http.get(api.path("secrets"))

    assert [one.status_code for one in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert answers[1].json()["kind"] == "Status"
    assert other.status_code == 200


def test_logs_are_cut_after_lines(api: Api, faults: Path):
    """A log breaks off in the middle; the next request gets all of it."""
    printing(api, "cut")
    lines: list[str] = []
    with (
        misbehaving(faults, {"verb": "log", "pod": "cut", "count": 1, "after_lines": 2}),
        pytest.raises(httpx.RemoteProtocolError),
        api.http.stream("GET", api.path("pods", "cut", "log")) as response,
    ):
        lines += response.iter_lines()

    assert lines in ([], ["line 1", "line 2"])  # the client may drop what came with the break
    assert api.log("cut").splitlines()[-1] == b"line 5"


def test_logs_can_end_early_as_if_they_were_whole(api: Api, faults: Path):
    """A clean end after some bytes is not an error for the client: the log is cut unnoticed."""
    printing(api, "clean")
    with misbehaving(faults, {"verb": "log", "after_bytes": 9, "clean": True}):
        assert api.log("clean") == b"line 1\nli"


def test_a_log_can_hold_words_of_the_server(api: Api, faults: Path):
    """A fault's body is answered as if it were the log."""
    printing(api, "said")
    with misbehaving(faults, {"verb": "log", "body": "unable to retrieve container logs"}):
        assert api.log("said") == b"unable to retrieve container logs"


def test_lost_answers_are_lost_only_on_the_way(api: Api, faults: Path):
    """What was asked for is done, though the client never hears of it."""
    with (
        misbehaving(faults, {"verb": "create", "path": "*/pods*", "count": 1, "after_bytes": 0}),
        pytest.raises(httpx.TransportError),
    ):
        api.create("pods", pod("lost"))

    assert "lost" in api.names("pods")


def test_a_watch_expires(api: Api, faults: Path):
    """A watch gives the event that its version is too old, and ends."""
    with misbehaving(faults, {"verb": "watch", "expire": True}), api.watch("pods") as events:
        (event,) = events

    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_an_outage_refuses_connections_and_keeps_pods(
    api: Api, faults: Path, unkind: tuple[EmbeddedCluster, Path]
):
    """Nothing listens while it lasts; then all is as before, and pods have continued."""
    api.create("pods", pod("survivor", "sleep 600"))
    api.wait("survivor", lambda seen: seen["status"]["phase"] == "Running")
    with misbehaving(faults, {"outage": True}):
        wait_until(lambda: refused(unkind[0]), "an outage")
    wait_until(lambda: not refused(unkind[0]), "the end of the outage")

    assert api.get("pods", "survivor")["status"]["phase"] == "Running"


def test_a_wrong_faults_file_is_told(api: Api, faults: Path, unkind: tuple[EmbeddedCluster, Path]):
    """A fault that nobody knows is an error in the cluster's log, and nothing else happens."""
    with misbehaving(faults, {"verbs": "list"}):
        assert api.http.get(api.path("pods")).status_code == 200

    assert "unknown field `verbs`" in unkind[0].log.read_text()

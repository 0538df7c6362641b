"""Following a pod's log: every line once, whatever happens to the connections and in the log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.pod_worker_io import WorkerIO, early_words
from gitlab_ci_provider.pods.log_follower import LogFollower
from integration.cluster.faults import misbehaving
from integration.cluster.support import Api, has_ended, pod
from processes.waiting import wait_until

LINES = 4000
HELPER = """
import json, pathlib, sys, time
from gitlab_ci_provider.helper.output import Output
output = Output()
output.log.tick()
for number in range({lines}):
    output.line("line %d" % number)
output.log.count += {lost}
{then}
report = {{"status": "success", "lines": output.log.count}}
pathlib.Path("/dev/termination-log").write_text(json.dumps(report))
"""


@pytest.fixture
def api(unkind_api: Api) -> Api:
    return unkind_api


def helper(name: str, *, lines: int = LINES, lost: int = 0, then: str = "") -> dict[str, Any]:
    """A pod whose container writes as the helper does; of `lost` lines it only has the numbers."""
    code = HELPER.format(lines=lines, lost=lost, then=then)
    command = [sys.executable, "-P", "-c", code]
    return pod(name, container={"name": "helper", "command": command})


def ended(api: Api, name: str, **about: Any) -> PodWatch:
    """Run such a pod to its end."""
    api.create("pods", helper(name, **about))
    api.wait(name, has_ended)
    return PodWatch(client=api.core(), name=name, namespace=api.namespace)


def follow(watched: PodWatch) -> list[str]:
    """Follow to the end without pauses; return the lines."""
    blocks: list[bytes] = []
    source = LogFollower(container="helper", put=blocks.append)
    WorkerIO(pod=watched, sleep=lambda _: None).perform(source.steps())
    return b"".join(blocks).decode().splitlines()


def expected(lines: int = LINES) -> list[str]:
    return [f"line {number}" for number in range(lines)]


@pytest.mark.parametrize("clean", [False, True], ids=["broken", "as if whole"])
def test_the_log_of_an_ended_container_is_read_over_broken_connections(
    api: Api, faults: Path, clean: bool
):
    """All lines are of one second, so that a time tells none of them apart."""
    watched = ended(api, f"cut-{clean}".lower())
    cuts = [
        {"verb": "log", "count": 1, "after_bytes": at, "clean": clean}
        for at in range(1, 50_000, 9973)
    ]

    with misbehaving(faults, *cuts):
        assert follow(watched) == expected()


def test_a_running_container_is_followed_over_broken_connections(api: Api, faults: Path):
    """Refused, cut and failed: what is missing is asked for again, and nothing twice."""
    api.create(
        "pods",
        helper(
            "runs",
            then="time.sleep(2); output.line('last')",
        ),
    )
    api.wait("runs", lambda seen: seen["status"]["phase"] == "Running")
    watched = PodWatch(client=api.core(), name="runs", namespace=api.namespace)
    unkind = [
        {"verb": "log", "count": 1, "status": 503},
        {"verb": "log", "count": 1, "after_lines": 100},
        {"verb": "log", "count": 1, "status": 429},
        {"verb": "log", "count": 1, "after_bytes": 0},
        {"verb": "log", "count": 1, "after_lines": 1500},
    ]

    with misbehaving(faults, *unkind):
        assert follow(watched) == [*expected(), "last"]


@pytest.mark.parametrize(
    "text",
    [
        "unable to retrieve container logs for containerd://4f1c",
        'failed to try resolving symlinks in path "/var/log/pods/x": no such file',
        "2026-11-28T14:00:00Z error",
        "404 page not found\n",
    ],
)
def test_texts_of_the_api_are_no_output(api: Api, faults: Path, text: str):
    """Answers with status 200 that are not a log are requested again."""
    watched = ended(api, f"text-{abs(hash(text))}", lines=3)

    with misbehaving(faults, {"verb": "log", "count": 3, "body": text}):
        assert follow(watched) == expected(3)


def test_a_log_that_stays_away_is_told(api: Api, faults: Path):
    """With the number of its lines and what Kubernetes has said instead; the job goes on."""
    watched = ended(api, "away", lines=7)
    text = "unable to retrieve container logs for containerd://4f1c"

    with misbehaving(faults, {"verb": "log", "body": text}):
        told = follow(watched)

    assert len(told) == 1
    assert "7 lines are missing here" in told[0]
    assert text in told[0]


@pytest.mark.embedded("its containers can run the tests' own Python")
def test_lines_that_the_node_has_lost_are_told(api: Api):
    """At the end, where nothing follows them, too: the container has said how many it wrote."""
    told = follow(ended(api, "lost", lines=5, lost=12))

    assert told[:-1] == expected(5)
    assert "12 lines are missing here" in told[-1]


@pytest.mark.embedded("its containers can run the tests' own Python")
def test_lines_missing_in_between_are_told_in_their_place(api: Api):
    """As when a node rotates the log of a fast job away under its reader."""
    then = "output.log.count += 3; output.line('after')"

    told = follow(ended(api, "rotated", lines=2, then=then))

    assert [line[:6] for line in told] == ["line 0", "line 1", "\x1b[31;1", "after"]
    assert "3 lines are missing here" in told[2]


def test_a_build_that_never_comes_is_not_waited_for(api: Api):
    """Its shell could not start: the helper waits forever, the reader does not, and says why."""
    waiting = helper("stuck")["spec"]["containers"][0]
    waiting["command"] = ["sh", "-c", "while :; do sleep 1; done"]
    broken = {
        "name": "build",
        "image": "test",
        "command": ["sh", "-c", "echo exec format error; exit 1"],
    }
    wanted = pod("stuck")
    wanted["spec"]["containers"] = [broken, waiting]
    api.create("pods", wanted)
    watched = PodWatch(client=api.core(), name="stuck", namespace=api.namespace)
    wait_until(lambda: early_words(watched) != b"", "the words of the build")
    blocks: list[bytes] = []
    source = LogFollower(container="helper", put=blocks.append)
    WorkerIO(pod=watched, sleep=lambda _: None).perform(source.steps())

    assert blocks == []
    assert source.stuck
    assert early_words(watched) == b"exec format error\n"

"""`pods/log` answers as recorded: ends, times, limits, bytes, and following."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from integration.cluster.support import (
    RECORDED,
    Api,
    has_ended,
    is_running,
    pod,
    recording,
    state_of,
)

LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (.*)")
BAD_OPTIONS = (
    *("container_missing_two_containers", "container_unknown", "tail_negative", "tail_notint"),
    *("limitBytes_0", "sinceSeconds_0", "sinceTime_bad", "sinceTime_and_seconds"),
    *("stream_stdout", "previous_none", "pod_404"),
)


def test_follower_gets_each_line_when_it_is_complete(api: Api):
    """A line arrives at once, a part of one only with its rest, and the end when the log ends."""
    script = "echo one; printf tw; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo o; printf end"
    api.create("pods", pod("a", script))
    api.wait("a", is_running)

    with api.http.stream("GET", api.path("pods", "a", "log"), params={"follow": "true"}) as stream:
        chunks = stream.iter_raw()
        first = next(chunks)
        so_far = api.log("a")
        _touch(api, "a", "/tmp/go")
        rest = b"".join(chunks)

    assert first == so_far == b"one\n"
    assert rest == b"two\nend"


def _touch(api: Api, name: str, path: str):
    """Make a file in a container."""
    from kubernetes.stream import stream

    core = api.core()
    command = ["touch", path]
    exec_in_pod = core.connect_get_namespaced_pod_exec
    stream(exec_in_pod, name, api.namespace, command=command, stdout=True, stderr=True)


def test_follower_of_an_ended_container_gets_all_and_ends(api: Api):
    """Following what has ended is reading."""
    api.run("a", "echo one; echo two >&2")

    assert sorted(api.log("a", follow="true").splitlines()) == [b"one", b"two"]


def test_times_are_unique_and_increase(api: Api):
    """No two lines share a time, so a client may tell lines apart by it."""
    api.run("a", "seq 5000")

    lines = api.log("a", timestamps="true").splitlines()

    matches = [LINE.fullmatch(line) for line in lines]
    assert [match and match.group(1) for match in matches] == [b"%d" % n for n in range(1, 5001)]
    stamps = [line[:30] for line in lines]
    assert len(set(stamps)) == len(stamps)
    assert sorted(stamps) == stamps


def test_since_leaves_out_what_was_before(api: Api):
    """`sinceTime` is cut to whole seconds, `sinceSeconds` counts back from now."""
    api.run("a", "echo one; sleep 2.1; echo two")
    first, second = api.log("a", timestamps="true").splitlines()
    second_time = second.split()[0].decode()

    assert api.log("a", sinceTime=second_time) == b"two\n"
    assert api.log("a", sinceTime=first.split()[0].decode()) == b"one\ntwo\n"
    assert api.log("a", sinceSeconds="3600") == b"one\ntwo\n"
    assert api.log("a", sinceTime="2099-01-01T00:00:00Z") == b""


def test_tail_and_limit_cut(api: Api):
    """`tailLines` counts from the end, `limitBytes` bytes from the start of what is left."""
    api.run("a", "seq 10; printf end")

    assert api.log("a", tailLines="2") == b"10\nend"
    assert api.log("a", tailLines="0") == b""
    assert api.log("a", tailLines="2", limitBytes="1") == b"1"
    assert len(api.log("a", timestamps="true", limitBytes="40")) == 40


def test_recorded_bytes_pass_unchanged(api: Api):
    """Invalid UTF-8, NUL, CR, escapes and very long lines come out as they went in."""
    wanted = base64.b64decode(recording("logs.json")["bytes"]["body_base64"])
    data = {"bytes": base64.b64encode(wanted).decode()}
    api.create("configmaps", {"metadata": {"name": "bytes"}, "binaryData": data})
    mount = {"name": "bytes", "mountPath": "/bytes"}
    api.run(
        "a",
        "cat /bytes/bytes",
        container={"volumeMounts": [mount]},
        volumes=[{"name": "bytes", "configMap": {"name": "bytes"}}],
    )

    assert api.log("a") == wanted
    assert api.log("a", timestamps="true").count(b"\n20") == wanted.count(b"\n") - 1


@pytest.mark.embedded("a real kubelet rotates such a log away under its readers")
def test_fifty_megabytes_neither_stall_nor_get_lost(api: Api):
    """A follower gets all of a noisy container's log while others are still served."""
    line = "0123456789012345678901234567890123456789012345678901234567890"
    api.create("pods", pod("a", f"yes {line} | head -n 800000; echo END"))
    api.wait("a", lambda one: "running" in state_of(one) or has_ended(one))

    size, asked = 0, 0
    params = {"follow": "true"}
    with api.http.stream("GET", api.path("pods", "a", "log"), params=params) as stream:
        for chunk in stream.iter_raw():
            size += len(chunk)
            end = chunk[-4:]
            if size > asked:
                assert api.http.get("/readyz").text == "ok"
                asked += 5_000_000

    assert size == 800000 * 62 + 4
    assert end == b"END\n"


@RECORDED
@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_questions_get_the_recorded_answer(api: Api, case: str):
    """Options that make no sense are refused in the words of a real API server."""
    recorded = recording("logs.json")[case]
    slow = pod("slow", "sleep 60")
    slow["spec"]["containers"].append({**slow["spec"]["containers"][0], "name": "side"})
    api.create("pods", slow)
    api.wait("slow", is_running)
    path = recorded["request"]["path"].replace("/reclogs/", f"/{api.namespace}/")

    answer = api.http.get(path)

    assert answer.status_code == recorded["status"]
    assert answer.json() == recorded["body"]
    api.delete("pods", "slow", gracePeriodSeconds=0)


def test_container_that_waits_has_no_log_but_a_reason(api: Api):
    """Asking too early is answered with what the container waits for."""
    volume = {"name": "s", "secret": {"secretName": "later"}}
    mount = {"volumeMounts": [{"name": "s", "mountPath": "/s"}]}
    api.create("pods", pod("a", container=mount, volumes=[volume]))
    api.create("pods", pod("b", nodeSelector={"gpu": "yes"}))

    waiting = api.http.get(api.path("pods", "a", "log"))
    unscheduled = api.http.get(api.path("pods", "b", "log"))

    assert waiting.status_code == 400
    assert waiting.json()["message"] == (
        'container "main" in pod "a" is waiting to start: ContainerCreating'
    )
    assert (unscheduled.status_code, unscheduled.content) == (204, b"")


def _has_restarted(seen: dict[str, Any]) -> bool:
    statuses = seen["status"].get("containerStatuses") or []  # none until a kubelet has seen it
    return any(status["restartCount"] == 1 for status in statuses)


def test_previous_run_has_its_own_log(api: Api):
    """`previous` reads the run before a restart."""
    script = "if [ -e /ws/again ]; then echo second; sleep 600; fi; touch /ws/again; echo first"
    mount = {"volumeMounts": [{"name": "ws", "mountPath": "/ws"}]}
    volumes = [{"name": "ws", "emptyDir": {}}]
    api.create("pods", pod("a", script, container=mount, volumes=volumes, restartPolicy="Always"))
    api.wait("a", _has_restarted)
    with api.http.stream("GET", api.path("pods", "a", "log"), params={"follow": "true"}) as stream:
        assert next(stream.iter_raw()) == b"second\n"

    assert api.log("a", previous="true") == b"first\n"

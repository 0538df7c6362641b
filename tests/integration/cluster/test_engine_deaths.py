"""An engine that dies while containers run: their output and their ends (`--engine`)."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engines.cut_off import CutOff
from engines.podman import Podman
from integration.cluster.support import (
    Api,
    EmbeddedCluster,
    has_ended,
    is_running,
    pod,
    processes_with,
    start_cluster,
    state_of,
    wait_for_end,
)
from processes.waiting import wait_until

pytestmark = [
    pytest.mark.embedded("it is about a runtime of that cluster"),
    pytest.mark.usefixtures("images"),
]

IMAGE = "docker.io/library/busybox:1.35"
LIMITED = {
    "image": IMAGE,
    "volumeMounts": [{"name": "ws", "mountPath": "/ws"}],
}
WAIT = "until [ -e /ws/go ]; do sleep 0.02; done"
COUNT = f"seq 1 3000; {WAIT}; seq 3001 6000; printf end >&2; exit 3"
COUNTED = [str(number) for number in range(1, 6001)]
WENT_AWAY = "gitlab-ci-cluster: the container engine went away at "


@pytest.fixture
def images(engine: Podman | None) -> Podman:
    """The engine of a test that is about images."""
    if engine is None:
        pytest.skip("needs --engine")
    return engine


@pytest.fixture
def own(images: Podman, tmp_path: Path) -> Iterator[EmbeddedCluster]:
    """A cluster whose engine may be killed: other tests have nothing in it."""
    yield from _started(tmp_path, "podman", images.environment)


def _started(folder: Path, runtime: str, environment: dict[str, str]) -> Iterator[EmbeddedCluster]:
    running = start_cluster(folder / "state", "--runtime", runtime, environment=environment)
    yield running
    assert running.stop() == 0
    wait_for_end(running.directory)
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def own_api(own: EmbeddedCluster) -> Iterator[Api]:
    """A client of that cluster."""
    api = own.api()
    yield api
    api.close()


def counting(api: Api) -> None:
    """Start a pod that counts, and wait until it waits for `go`."""
    spec = {"volumes": [{"name": "ws", "emptyDir": {}}]}
    api.create("pods", pod("a", COUNT, container=LIMITED, **spec))
    api.wait("a", is_running)
    wait_until(lambda: b"\n3000\n" in api.log("a"), "the first half of the output")


def go(cluster: EmbeddedCluster, name: str = "go") -> None:
    """Let the pod go on, or the process that waits for a file of another name."""
    (volume,) = cluster.directory.glob("pods/*/volumes/ws")
    (volume / name).touch()


def end_of(api: Api) -> tuple[int, list[str]]:
    """Wait for the end of the pod that counts; give its exit code and its lines."""
    ended = api.wait("a", has_ended)
    return state_of(ended)["terminated"]["exitCode"], api.log("a").decode().splitlines()


def _memory(cluster: EmbeddedCluster) -> str:
    digest = hashlib.sha256(str(cluster.directory.resolve()).encode()).hexdigest()[:16]
    return f"gitlab-ci-{os.getuid()}-{digest}"


def service_of(cluster: EmbeddedCluster) -> int:
    """Find Podman's service."""
    return _process_of(cluster, "system\0service")


def watchdog_of(cluster: EmbeddedCluster) -> int:
    """Find the process that runs Podman's service."""
    return _process_of(cluster, "engine.watchdog")


def monitor_of(cluster: EmbeddedCluster) -> int:
    """Find what watches the pod's only container for Podman."""
    return _process_of(cluster, "conmon")


def _process_of(cluster: EmbeddedCluster, words: str) -> int:
    """Find a process by two parts of its command line, the cluster's own directory being one."""
    own = _memory(cluster)
    found: list[str] = []

    def look() -> bool:
        found[:] = set(processes_with(words)) & set(processes_with(own))
        return bool(found)

    wait_until(look, words)
    return int(found[0])


@pytest.mark.parametrize("victim", [service_of, watchdog_of])
def test_no_line_is_lost_or_doubled_when_the_engine_is_killed(
    own: EmbeddedCluster, own_api: Api, victim: Callable[[EmbeddedCluster], int]
):
    """Neither what is written while it is down nor what follows; the end is the container's."""
    counting(own_api)
    os.kill(victim(own), signal.SIGKILL)
    go(own)

    assert end_of(own_api) == (3, [*COUNTED, "end"])


def test_a_container_starts_and_ends_while_the_engine_dies_again_and_again(
    own: EmbeddedCluster, own_api: Api
):
    """Each time its service is back, it is killed; the pod does what it would do otherwise."""
    counting(own_api)
    for _ in range(3):
        os.kill(killed := service_of(own), signal.SIGKILL)
        wait_until(lambda: service_of(own) != killed, "another service")
    go(own)

    assert end_of(own_api) == (3, [*COUNTED, "end"])
    assert own_api.output("b", "echo on", container={"image": LIMITED["image"]}) == "on\n"


def test_a_container_whose_monitor_is_killed_fails_and_says_why(own: EmbeddedCluster, own_api: Api):
    """Without its conmon, nobody reads its output any more, nor learns how it has ended."""
    counting(own_api)
    os.kill(monitor_of(own), signal.SIGKILL)

    code, lines = end_of(own_api)

    assert code == 128 + signal.SIGKILL
    assert lines[:3000] == COUNTED[:3000]
    assert "conmon, which watches this container for Podman, has died" in lines[3000]


def test_exec_says_that_its_output_may_be_missing(own: EmbeddedCluster, own_api: Api):
    """Podman cannot attach to a process of exec again, nor tell soon how it has ended."""
    from kubernetes.stream import stream

    counting(own_api)  # and waits on: its end would kill the process
    wait = WAIT.replace("go", "go-exec")
    session = stream(
        own_api.core().connect_get_namespaced_pod_exec,
        "a",
        own_api.namespace,
        command=["sh", "-c", f"echo begun; {wait}; exit 4"],
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    assert session.readline_stdout() == "begun"
    os.kill(service_of(own), signal.SIGKILL)
    go(own, "go-exec")
    session.run_forever()
    session.close()

    assert WENT_AWAY in session.read_stderr()
    assert session.returncode == 137
    go(own)
    end_of(own_api)


def test_a_container_that_runs_has_not_failed_to_start(images: Podman, tmp_path: Path):
    """The engine fails when it is asked how the container began, and then tells it."""
    with CutOff(images, tmp_path / "engine.sock") as engine:
        environment = {**images.environment, "DOCKER_HOST": f"unix://{engine.socket}"}
        for running in _started(tmp_path, "docker", environment):
            api = running.api()
            limits = {"resources": {"limits": {"memory": "64Mi"}}}
            engine.failing.append(re.compile(rb"GET /v[0-9.]+/containers/[0-9a-f]+/json"))
            ended = api.run("a", "echo ran; exit 3", container={"image": IMAGE, **limits})
            log = api.log("a")
            api.close()

    assert engine.failing == []
    assert log == b"ran\n"
    assert state_of(ended)["terminated"]["exitCode"] == 3


def test_an_engine_without_monitors_is_attached_to_again(images: Podman, tmp_path: Path):
    """Docker that keeps containers over its restarts: the log says that some may be missing."""
    with CutOff(images, tmp_path / "engine.sock") as engine:
        environment = {**images.environment, "DOCKER_HOST": f"unix://{engine.socket}"}
        for running in _started(tmp_path, "docker", environment):
            api = running.api()
            counting(api)
            engine.cut()
            wait_until(lambda: WENT_AWAY in api.log("a").decode(), "a word about it")  # noqa: B023
            go(running)
            code, lines = end_of(api)
            api.close()

    assert code == 3
    assert [line for line in lines if WENT_AWAY not in line] == [*COUNTED, "end"]
    assert sum(WENT_AWAY in line for line in lines) == 1

"""What only a runtime with images can do, and that it, too, leaves nothing behind (`--engine`)."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engines.podman import Podman
from integration.cluster.support import (
    MODULE,
    Api,
    EmbeddedCluster,
    is_running,
    pod,
    processes_with,
    start_cluster,
    state_of,
    wait_for_end,
)
from processes.waiting import PATIENCE, wait_until

pytestmark = [
    pytest.mark.embedded("it is about a runtime of that cluster"),
    pytest.mark.usefixtures("images"),
]

BUSYBOX = {"image": "docker.io/library/busybox:1.35"}


@pytest.fixture
def images(engine: Podman | None) -> Podman:
    """The engine of a test that is about images."""
    if engine is None:
        pytest.skip("needs --engine")
    return engine


def test_two_containers_of_a_pod_have_different_images(api: Api):
    """Each sees the programs of its own image, and both the same volume."""
    share = {"volumeMounts": [{"name": "ws", "mountPath": "/ws"}]}
    first = {
        "name": "first",
        **BUSYBOX,
        **share,
        "command": ["sh", "-c", "readlink $(which cat) >/ws/said; ls /etc >>/ws/said"],
    }
    output = api.output(
        "a",
        "cat /ws/said; cat /etc/debian_version",
        container={"image": "debian:12", **share},
        initContainers=[first],
        volumes=[{"name": "ws", "emptyDir": {}}],
    )

    assert output.startswith("busybox\n")
    assert "debian_version" not in output
    assert output.splitlines()[-1].startswith("12.")


def test_the_image_decides_what_runs_without_a_command(images: Podman, api: Api):
    """Its program, its variables, its folder, its user; arguments replace only its arguments."""
    change = ["ENTRYPOINT [\"printf\", \"%s \"]", "CMD [\"none\"]", "ENV WORD=image",
              "WORKDIR /tmp", "USER 1234:1234"]  # fmt: skip
    build = "FROM docker.io/library/busybox:1.35\n" + "\n".join(change)
    images.run("build", "--tag", "localhost/printf:1", "-f", "-", ".", data=build.encode())
    image = {"image": "localhost/printf:1", "imagePullPolicy": "Never"}
    bare = pod("bare", container=image)
    del bare["spec"]["containers"][0]["command"]
    api.create("pods", bare)
    api.wait("bare", lambda one: one["status"]["phase"] == "Succeeded")
    given = pod("given", container={**image, "args": ["a", "b"]})
    del given["spec"]["containers"][0]["command"]
    api.create("pods", given)
    api.wait("given", lambda one: one["status"]["phase"] == "Succeeded")

    assert api.log("bare") == b"none "
    assert api.log("given") == b"a b "
    assert api.output("own", "echo $WORD $PWD $(id -u)", container=image) == "image /tmp 1234\n"


def waits(api: Api, name: str, reason: str, **container: Any) -> str:
    """Start a pod that must wait; give the words."""
    api.create("pods", pod(name, container=container))
    waiting = api.wait(name, lambda one: state_of(one).get("waiting", {}).get("reason") == reason)
    return str(state_of(waiting)["waiting"]["message"])


def test_an_image_can_be_named_by_its_digest(images: Podman, api: Api):
    """It is pulled by it, too, and not taken for one that is there by its tag."""
    digest = json.loads((images.images / "index.json").read_text())["busybox"]

    output = api.output("a", "readlink $(which cat)", container={"image": f"small@{digest}"})

    assert output.split() == ["busybox"]


def test_an_image_that_cannot_be_pulled_is_waited_for_with_the_registrys_words(api: Api):
    """As a kubelet does: ErrImagePull, then ImagePullBackOff, each with its event."""
    words = waits(api, "a", "ErrImagePull", image="missing/x:1")

    assert 'failed to pull image "missing/x:1"' in words
    assert "manifest unknown" in words.lower()
    api.wait("a", lambda one: "ImagePullBackOff" in str(state_of(one)))
    reasons = [reason for _, reason, _ in api.events("a")]
    assert reasons.count("Pulling") == 1
    assert "BackOff" in reasons


def test_never_pulls_nothing(api: Api):
    """And says so in the kubelet's words."""
    words = waits(api, "a", "ErrImageNeverPull", image="absent:1", imagePullPolicy="Never")

    assert words == 'Container image "absent:1" is not present with pull policy of Never'


def test_an_image_that_is_there_needs_no_registry(images: Podman, api: Api):
    """`IfNotPresent`, the default of an image with a version."""
    images.run("tag", BUSYBOX["image"], "unreachable.invalid/local:1")

    api.output("a", "true", container={"image": "unreachable.invalid/local:1"})

    (said,) = [message for _, reason, message in api.events("a") if reason == "Pulled"]
    assert "already present on machine" in said


def test_a_private_registry_is_given_the_login_of_the_pods_secret(images: Podman, api: Api):
    """Of `imagePullSecrets`; without it, and with another one, it refuses."""
    image = {"image": f"{images.registry}/private/x:1"}
    refused = waits(api, "a", "ErrImagePull", **image)
    api.create("secrets", _login("wrong", images.registry, "no"))
    secret: dict[str, Any] = {"imagePullSecrets": [{"name": "wrong"}]}
    api.create("pods", pod("b", container=image, **secret))
    api.wait("b", lambda one: "ErrImagePull" in str(state_of(one)))
    api.create("secrets", _login("right", images.registry, "registry-password"))
    both: dict[str, Any] = {"imagePullSecrets": [{"name": "wrong"}, {"name": "right"}]}

    output = api.output("c", "cat /etc/debian_version", container=image, **both)

    assert "unauthorized" in refused.lower() or "401" in refused
    assert output.startswith("12.")
    assert "registry-password" not in json.dumps(api.events("c"))


def _login(name: str, server: str, password: str) -> dict[str, Any]:
    auth = base64.b64encode(f"me:{password}".encode()).decode()
    said = {"auths": {f"http://{server}": {"auth": auth}}}
    return {
        "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps(said)},
    }


def test_much_output_is_complete(api: Api):
    """Nothing that a container writes is lost, however much it is and whoever reads slowly."""
    output = api.output("a", "seq 1 300000; echo end >&2", container=BUSYBOX)

    lines = output.splitlines()
    assert len(lines) == 300001
    assert [line for line in lines if line != "end"] == [str(at) for at in range(1, 300001)]


def test_limits_are_the_kernels(api: Api):
    """Of memory and processors."""
    limits = {"resources": {"limits": {"memory": "64Mi", "cpu": "500m"}}}
    script = (
        "cd /sys/fs/cgroup; cat memory.max memory/memory.limit_in_bytes 2>/dev/null; "
        "cat cpu.max cpu/cpu.cfs_quota_us 2>/dev/null; true"
    )

    output = api.output("a", script, container={**BUSYBOX, **limits})

    assert output.split()[:2] == ["67108864", "50000"]


def test_users_groups_and_rights_are_the_pods(api: Api):
    """User, groups, owner of volumes, no new privileges, capabilities."""
    context = {"runAsUser": 1234, "runAsGroup": 2345, "fsGroup": 3456}
    container = {
        **BUSYBOX,
        "volumeMounts": [{"name": "ws", "mountPath": "/ws"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    script = (
        "id -u; id -g; id -G; touch /ws/x; stat -c %g /ws/x; grep -E 'NoNew|CapBnd' /proc/1/status"
    )

    output = api.output(
        "a",
        script,
        container=container,
        volumes=[{"name": "ws", "emptyDir": {}}],
        securityContext=context,
    )

    assert output.split() == [
        *("1234", "2345", "2345", "3456", "3456"),
        *("CapBnd:", "0000000000000000", "NoNewPrivs:", "1"),
    ]


@pytest.mark.parametrize(("kind", "mode"), [("RuntimeDefault", "2"), ("Unconfined", "0")])
def test_a_pod_can_do_without_profiles(api: Api, kind: str, mode: str):
    """Engines of image builds need calls that the profiles of seccomp and AppArmor forbid."""
    context = {"seccompProfile": {"type": kind}, "appArmorProfile": {"type": kind}}
    container = {**BUSYBOX, "securityContext": context}

    output = api.output("a", "grep Seccomp: /proc/1/status", container=container)

    assert output.split() == ["Seccomp:", mode]


RESISTING = "trap '' TERM; (setsid sleep 4242 &); sleep 4242"


@pytest.fixture
def own(images: Podman, tmp_path: Path) -> Iterator[EmbeddedCluster]:
    """A cluster that a test may kill, with a pod that does not end by itself."""
    running = start_cluster(
        tmp_path / "state", "--runtime", "podman", environment=images.environment
    )
    api = running.api()
    share = {**BUSYBOX, "volumeMounts": [{"name": "ws", "mountPath": "/ws"}]}
    script = RESISTING.replace("4242", f"42{os.getpid()}")
    api.create("pods", pod("a", script, container=share, volumes=[{"name": "ws", "emptyDir": {}}]))
    api.wait("a", is_running)
    api.close()
    yield running
    running.process.kill()
    running.process.wait()
    wait_for_end(running.directory)


def left_by(images: Podman) -> list[str]:
    """List our processes and containers that are still there; other tests' cluster has none."""
    found = processes_with(f"sleep\0{'42'}{os.getpid()}")
    return found + images.run("ps", "--all", "--quiet", "--filter", "name=_default_a_").split()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_container_survives_the_cluster(
    images: Podman, own: EmbeddedCluster, number: signal.Signals
):
    """Whether stopped or killed: containers, their files and the engine's service are gone."""
    code = own.stop(number)
    wait_for_end(own.directory)

    assert code == (0 if number == signal.SIGTERM else -number)
    assert left_by(images) == []
    assert processes_with(str(own.directory)) == []
    assert {path.name for path in own.directory.iterdir()} <= {"lock", "root", "identity.json"}
    assert not list(Path("/dev/shm").glob(f"*{_hash(own.directory)}*"))


def _hash(directory: Path) -> str:
    import hashlib

    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]


def _watchdogs(cluster: EmbeddedCluster) -> list[int]:
    name = f"gitlab-ci-{os.getuid()}-{_hash(cluster.directory)}"
    return [
        int(process)
        for process in processes_with("engine.watchdog")
        if name.encode() in Path(f"/proc/{process}/cmdline").read_bytes()
    ]


def test_a_killed_watchdog_is_started_again(images: Podman, own: EmbeddedCluster):
    """Pods go on, new ones start, and nothing is left although the cluster is killed as well."""
    (first,) = _watchdogs(own)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: _watchdogs(own) not in ([], [first]), "another watchdog")
    api = own.api()

    assert api.output("b", "echo on", container=BUSYBOX) == "on\n"
    assert is_running(api.get("pods", "a"))
    api.close()
    own.stop(signal.SIGKILL)
    wait_for_end(own.directory)
    assert left_by(images) == []


def test_the_next_start_removes_what_nobody_else_could(images: Podman, own: EmbeddedCluster):
    """Cluster and watchdog killed at once, as by a power failure."""
    os.kill(_watchdogs(own)[0], signal.SIGSTOP)
    own.stop(signal.SIGKILL)
    os.kill(_watchdogs(own)[0], signal.SIGKILL)
    wait_for_end(own.directory)
    assert left_by(images) != []
    own.kubeconfig.unlink()

    again = start_cluster(own.directory, "--runtime", "podman", environment=images.environment)
    left = left_by(images)

    assert again.stop() == 0
    assert left == []


def test_an_engine_is_chosen_where_one_works(images: Podman, tmp_path: Path):
    """`auto` says which; images may stand for others, or for this machine's programs."""
    maps = "fancy:*=docker.io/library/busybox:1.35,here:*=this-machine"
    environment = {
        **images.environment,
        "GITLAB_CI_CLUSTER_RUNTIME": "auto",
        "GITLAB_CI_CLUSTER_IMAGE_MAP": maps,
    }
    programs = ("--path-for-image", "this-machine=/usr/bin")
    running = start_cluster(tmp_path / "state", *programs, environment=environment)
    api = running.api()
    fancy = api.output("a", "readlink $(which cat)", container={"image": "fancy:1"})
    here = api.output("b", "command -v podman", container={"image": "here:1"})
    said = [message for _, reason, message in api.events("a") if reason == "ImageMapped"]
    chosen = (running.directory / "runtime").read_text()
    api.close()
    running.stop()

    assert chosen == "podman"
    assert fancy == "busybox\n"
    assert here.endswith("/podman\n")
    assert said == [f"image {BUSYBOX['image']} is used instead of fancy:1 (image_map)"]


def test_without_an_engine_that_works_auto_runs_processes(images: Podman, tmp_path: Path):
    """And its log says why, and what to do about it."""
    environment = {
        **images.environment,
        "GITLAB_CI_CLUSTER_RUNTIME": "auto",
        "DOCKER_HOST": "tcp://192.0.2.1:2375",
        "CONTAINERS_STORAGE_CONF": "/dev/null/none",
    }
    running = start_cluster(tmp_path / "state", environment=environment)
    api = running.api()
    events = api.run("a", "true"), api.events("a")
    api.close()
    running.stop()

    assert "ImageNotHonoured" in str(events)
    log = running.log.read_text()
    assert "images are not used: no container engine works on this machine" in log
    assert "only an engine of this machine sees its directories" in log
    assert "docs/how-to/images.md" in log


def test_an_engine_that_is_asked_for_and_missing_ends_the_start(images: Podman, tmp_path: Path):
    """No other takes its place."""
    environment = {**os.environ, **images.environment, "DOCKER_HOST": "unix:///no.sock"}
    command = [sys.executable, "-m", MODULE, "--dir", str(tmp_path / "s"), "--runtime", "docker"]

    refused = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )

    assert refused.returncode == 1
    assert "no docker works on this machine" in refused.stderr
    assert "nobody listens on /no.sock" in refused.stderr

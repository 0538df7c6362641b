"""The cluster as a process: it starts once, stops cleanly, and leaves nothing, however it ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from integration.cluster.support import (
    MODULE,
    Api,
    Cluster,
    EmbeddedCluster,
    is_running,
    pod,
    processes_with,
    start_cluster,
    wait_for_end,
)
from processes.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.embedded("it is about the process of that cluster")

CLUSTER_ENDS = [signal.SIGTERM, signal.SIGKILL]
RESISTING = "trap '' TERM; (setsid sleep 4242 &); (setsid setsid sleep 4242 &); sleep 4242"


@pytest.fixture(params=["auto", "user", "plain"])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("number", CLUSTER_ENDS)
def test_no_process_file_or_mount_survives_the_cluster(
    tmp_path: Path, number: signal.Signals, runtime: str
):
    """Whether stopped or killed: pods that resist are gone, with their files and Secrets."""
    running = start_cluster(tmp_path / "state", "--runtime", runtime)
    api = running.api()
    marker = f"42{os.getpid()}"
    limited = {"resources": {"limits": {"memory": "100Mi"}}}
    for name in range(3):
        api.create("pods", pod(f"p{name}", RESISTING.replace("4242", marker), container=limited))
        api.wait(f"p{name}", is_running)

    code = running.stop(number)
    wait_for_end(running.directory)
    api.close()

    assert code == (0 if number == signal.SIGTERM else -number)
    assert processes_with(f"sleep\0{marker}") == []
    assert processes_with(str(running.directory)) == []
    assert {path.name for path in running.directory.iterdir()} <= {"lock", "root", "identity.json"}
    assert str(running.directory) not in Path("/proc/mounts").read_text()
    for folder in ("/dev/shm", "/sys/fs/cgroup", "/sys/fs/cgroup/memory"):
        left = Path(folder).glob("gitlab-ci-*")
        assert not [path for path in left if _belongs(path, running.directory)]


def _belongs(path: Path, directory: Path) -> bool:
    import hashlib

    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16] in path.name


def test_next_start_cleans_what_a_killed_cluster_left(tmp_path: Path):
    """Even files that nobody could remove in time go with the next start."""
    directory = tmp_path / "state"
    stale = directory / "pods" / "stale" / "closed"
    stale.mkdir(parents=True)
    stale.chmod(0)
    running = start_cluster(directory)
    assert running.stop() == 0

    assert {path.name for path in directory.iterdir()} <= {"lock", "root", "identity.json"}


def test_clients_of_a_killed_cluster_go_on_with_the_next(tmp_path: Path):
    """Token and certificate are those of the folder, for the owner alone; the pods are gone."""
    killed = start_cluster(tmp_path / "state")
    api = killed.api()
    core = api.core()
    api.create("pods", pod("lost", "sleep 600"))
    killed.stop(signal.SIGKILL)
    port = api.server.rpartition(":")[2]

    restarted = start_cluster(tmp_path / "state", "--port", port)

    assert core.list_namespaced_pod("default").items == []
    assert stat.S_IMODE((restarted.directory / "identity.json").stat().st_mode) == 0o600
    api.close()
    assert restarted.stop() == 0


def test_kubeconfig_is_private_and_whole(tmp_path: Path):
    """Mode 0600, with context, namespace, token and authority."""
    running = start_cluster(tmp_path / "state")
    mode = stat.S_IMODE(running.kubeconfig.stat().st_mode)
    text = running.kubeconfig.read_text()
    running.stop()

    assert mode == 0o600
    for word in ("current-context", "namespace: default", "token:", "certificate-authority-data:"):
        assert word in text


def run_to_end(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", MODULE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_taken_port_is_one_clear_line(tmp_path: Path, embedded: EmbeddedCluster):
    """A port that is in use ends the start with its address and a reason."""
    port = embedded.api().server.rpartition(":")[2]
    refused = run_to_end("--dir", tmp_path / "state", "--port", port)

    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last == f"embedded cluster: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_second_cluster_in_a_directory_is_refused(embedded: EmbeddedCluster):
    """Two clusters never share a directory; the first one goes on."""
    refused = run_to_end("--dir", embedded.directory)

    assert refused.returncode == 1
    assert "another embedded cluster uses" in refused.stderr
    assert embedded.api().http.get("/readyz").text == "ok"


def test_helper_image_finds_its_programs(tmp_path: Path):
    """`--path-for-image` puts a directory first into PATH, and needs no warning."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "hello").write_text("#!/bin/sh\necho found\n")
    (programs / "hello").chmod(0o755)
    image = "registry.example.com/helper:1"
    running = start_cluster(tmp_path / "state", "--path-for-image", f"{image}={programs}")
    api = running.api()
    output = api.output("a", "hello", container={"image": image})
    other = api.run("b", "hello", container={"image": "other"})
    events = {event[1] for event in api.events("a")}
    api.close()
    running.stop()

    assert output == "found\n"
    assert "ImageNotHonoured" not in events
    assert other["status"]["phase"] == "Failed"


def test_cluster_ends_when_its_fork_server_dies(tmp_path: Path):
    """Without it all pods are dead: the cluster says so and ends, rather than pretend."""
    running = start_cluster(tmp_path / "state")
    api = running.api()
    api.create("pods", pod("a", "sleep 60"))
    api.wait("a", is_running)
    for process in processes_with("process.fork_server"):
        with suppress(FileNotFoundError, ProcessLookupError):  # another test's, just ended
            if str(running.directory).encode() in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(int(process), signal.SIGKILL)
    code = running.process.wait(20)
    api.close()

    assert code == 1
    assert "the fork server of the runtime has died" in running.log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give privileges to a pod")
def test_root_that_is_an_overlay_is_no_obstacle(api: Api):
    """As in many containers: what its own containers write is then kept in memory."""
    inner = f"{sys.executable} -m {MODULE} --dir /inner 2>&1 & sleep 0.1; cd /; "
    wait = "until [ -e /inner/kubeconfig ]; do sleep 0.1; done; kill %1; wait %1; echo ended $?"
    shell = {"command": ["bash", "-c", inner + wait], "securityContext": {"privileged": True}}

    output = api.output("a", "", container=shell)

    assert "level root" in output
    assert "is kept in memory" in output
    assert output.endswith("ended 0\n")


def test_level_without_mounts_says_so(tmp_path: Path):
    """On the plain level a volume cannot be shown; the pod waits and the event says why."""
    running = start_cluster(tmp_path / "state", "--runtime", "plain")
    api = running.api()
    mount = {"volumeMounts": [{"name": "ws", "mountPath": "/builds"}]}
    api.create("pods", pod("a", container=mount, volumes=[{"name": "ws", "emptyDir": {}}]))
    why = "no mounts: volume ws cannot be shown at /builds"
    wait_until(lambda: any(why in event[2] for event in api.events("a")), "the event")
    events = api.events("a")
    plain = api.output("b", "echo ran")
    api.close()
    running.stop()

    assert plain == "ran\n"
    assert any(event[1] == "NotIsolated" and "keys and passwords" in event[2] for event in events)
    assert "NO isolation" in running.log.read_text()


@pytest.mark.parametrize("level", ["root", "user"])
def test_hidden_directories_are_empty_for_jobs(tmp_path: Path, level: str):
    """The stack's folder holds its keys; links to it, and its parent, lead nowhere either."""
    if level == "root" and os.geteuid() != 0:
        pytest.skip("only root has this level")
    home = tmp_path / "home"
    home.mkdir()
    (home / "secrets.json").write_text("the-canary")
    (tmp_path / "link").symlink_to(home)
    options = ("--runtime", level, "--hide", str(tmp_path / "link"))
    running = start_cluster(home / "cluster", *options)
    api = running.api()
    script = f"cat {home}/secrets.json; ls -A {home} {tmp_path}/link/; grep -rl canary {tmp_path}; "
    unhide = f"umount {home}; unshare -Ur umount {home}; unshare -Urm umount {home}; ls -A {home}"
    mount = {"volumeMounts": [{"name": "ws", "mountPath": "/builds"}]}
    volumes = [{"name": "ws", "emptyDir": {}}]
    api.run("a", f"{script}{unhide}; touch /builds/written", container=mount, volumes=volumes)
    shown = api.log("a").decode()
    api.close()
    running.stop()

    assert "the-canary" not in shown
    assert "secrets.json: No such file" in shown
    assert "cluster" not in shown.replace(f"{home}/cluster", "").splitlines()


def test_user_level_says_that_it_cannot_change_users(tmp_path: Path):
    """Without root a pod runs all the same, and a warning says as whom."""
    running = start_cluster(tmp_path / "state", "--runtime", "user")
    api = running.api()
    output = api.output("a", "id -u", securityContext={"runAsUser": 1234})
    events = {event[1] for event in api.events("a")}
    api.close()
    running.stop()

    assert output == "0\n"
    assert "UserNotHonoured" in events


def test_full_disk_does_not_stop_the_cluster(tmp_path: Path, cluster: Cluster, api: Api):
    """Log that does not fit is lost, which an event tells; the pod and the cluster go on."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(small)], check=True)
    try:
        running = start_cluster(small / "state")
        client = running.api()
        ended = client.run("a", "yes | head -c 8000000")
        events = {event[1] for event in client.events("a")}
        client.delete("pods", "a")
        client.wait_gone("a")
        after = client.output("b", "echo still here")
        client.close()
        code = running.stop()
    finally:
        subprocess.run(["umount", str(small)], check=True)

    assert ended["status"]["phase"] == "Succeeded"
    assert "LogLost" in events
    assert after == "still here\n"
    assert code == 0

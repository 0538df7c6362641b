"""What a container finds: volumes, variables, users, limits, and nothing of the machine's own."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from integration.cluster.support import (
    SIDECARS,
    Api,
    EmbeddedCluster,
    has_ended,
    is_running,
    pod,
    state_of,
)
from processes.waiting import wait_until

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")


def mounting(*mounts: tuple[str, ...], **container: Any) -> dict[str, Any]:
    shown = [dict(zip(("name", "mountPath", "subPath"), mount, strict=False)) for mount in mounts]
    return {"volumeMounts": shown, **container}


def test_containers_share_an_empty_dir_but_not_their_root(api: Api):
    """A volume is one for all containers of a pod; what else they write is private to each."""
    share = mounting(("ws", "/ws"))
    first = {"name": "first", "image": "x", "command": ["sh", "-c", "echo a >/ws/a; echo a >/a"]}
    output = api.output(
        "a",
        "cat /ws/a; test ! -e /a; touch /etc/private",
        container=share,
        initContainers=[{**first, **share}],
        volumes=[{"name": "ws", "emptyDir": {"medium": "Memory"}}],
    )

    assert output == "a\n"
    assert not Path("/etc/private").exists()


def test_a_container_inherits_no_descriptor(api: Api):
    """It has its three streams and nothing of the runtime, such as the socket that starts pods."""
    assert api.output("a", "ls /proc/self/fd") == "0\n1\n2\n3\n"  # the last is the folder itself


def test_fifo_connects_two_containers(api: Api):
    """A FIFO in an empty dir works between containers."""
    share = mounting(("ws", "/ws"))
    spec = pod("a", "mkfifo /ws/f.new; mv /ws/f.new /ws/f; cat /ws/f", container=share)
    writer = "while [ ! -p /ws/f ]; do sleep 0.02; done; echo through >/ws/f"
    spec["spec"]["containers"].append(
        {"name": "writer", "image": "x", "command": ["sh", "-c", writer], **share}
    )
    spec["spec"]["volumes"] = [{"name": "ws", "emptyDir": {}}]
    api.create("pods", spec)
    api.wait("a", has_ended)

    assert api.log("a", container="main") == b"through\n"


def test_secrets_and_config_maps_are_files(api: Api):
    """Items, modes, projections, sub paths and the downward API."""
    encoded = {"k": base64.b64encode(b"s3cret").decode(), "other": ""}
    api.create("secrets", {"metadata": {"name": "s"}, "data": encoded})
    api.create("configmaps", {"metadata": {"name": "c"}, "data": {"x": "from config"}})
    items = [{"key": "k", "path": "deep/k", "mode": 0o400}]
    field = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    volumes = [
        {"name": "s", "secret": {"secretName": "s", "items": items}},
        {"name": "c", "configMap": {"name": "c"}},
        {"name": "none", "secret": {"secretName": "absent", "optional": True}},
        {
            "name": "all",
            "projected": {
                "sources": [{"secret": {"name": "s"}}, {"downwardAPI": {"items": [field]}}]
            },
        },
    ]
    container = mounting(("s", "/s"), ("c", "/etc/one", "x"), ("none", "/none"), ("all", "/all"))
    script = "cat /s/deep/k; stat -c ' %a' /s/deep/k; cat /etc/one; ls /none /all; cat /all/labels"
    spec = pod("a", script, container=container, volumes=volumes)
    spec["metadata"]["labels"] = {"a": "b"}
    api.create("pods", spec)
    api.wait("a", has_ended)

    assert api.log("a").decode().split() == [
        *("s3cret", "400", "from", "config/all:", "k", "labels", "other"),
        *("/none:", 'a="b"'),
    ]


def warnings(api: Api, name: str) -> list[str]:
    """List the reasons of the warnings of a pod."""
    return [reason for kind, reason, _ in api.events(name) if kind == "Warning"]


def test_pod_waits_for_its_secret_and_starts_when_it_comes(api: Api):
    """A missing Secret leaves the pod ContainerCreating, with a FailedMount event."""
    volume = {"name": "s", "secret": {"secretName": "later"}}
    api.create("pods", pod("a", "cat /s/k", container=mounting(("s", "/s")), volumes=[volume]))
    api.wait("a", lambda one: state_of(one).get("waiting"))
    wait_until(lambda: "FailedMount" in warnings(api, "a"), "an event")

    waiting = [event for event in api.events("a") if event[1] == "FailedMount"]
    api.create("secrets", {"metadata": {"name": "later"}, "stringData": {"k": "here"}})
    api.wait("a", has_ended)

    text = 'MountVolume.SetUp failed for volume "s" : secret "later" not found'
    assert waiting == [("Warning", "FailedMount", text)]
    assert api.log("a") == b"here"


def test_variables_come_from_everywhere(api: Api):
    """Values, references, prefixes and `$(NAME)` in variables, command and args."""
    api.create("secrets", {"metadata": {"name": "s"}, "stringData": {"K": "secret"}})
    api.create("configmaps", {"metadata": {"name": "c"}, "data": {"K": "config"}})
    env = [
        {"name": "PLAIN", "value": "p"},
        {"name": "EXPANDED", "value": "<$(PLAIN)|$(NONE)|$$(PLAIN)>"},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "K"}}},
        {
            "name": "NO",
            "valueFrom": {"configMapKeyRef": {"name": "c", "key": "no", "optional": True}},
        },
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
    ]
    container = {
        "env": env,
        "envFrom": [{"prefix": "C_", "configMapRef": {"name": "c"}}],
        "command": ["sh", "-c"],
        "args": ["echo $PLAIN $EXPANDED $POD $KEY ${NO-unset} $C_K $CPU $(KEY)"],
        "resources": {"limits": {"memory": "64Mi"}},
    }

    output = api.output("a", "", container=container)

    assert output == "p <p|$(NONE)|$(PLAIN)> a secret unset config 67108864 secret\n"


@pytest.mark.processes("its containers have a home of their own, and see the machine's files")
def test_nothing_leaks_in(api: Api, embedded: EmbeddedCluster):
    """A container's environment is clean, /tmp is writable, the cluster's own files are hidden."""
    script = (
        f"env | cut -d= -f1 | sort | tr '\\n' ' '; touch /tmp/x; ls -A $HOME {embedded.directory}"
    )

    output = api.output("a", script, container={"workingDir": "/made/here"})

    assert output.startswith("HOME HOSTNAME PATH PWD ")
    assert sorted(output.split()[4:]) == sorted(["/pod-home:", f"{embedded.directory}:"])


def test_processes_see_only_their_own(api: Api):
    """The program is process 1 and sees no other container; its host name is the pod's."""
    output = api.output("a", "echo $$$$; ls /proc | grep -c '^[0-9]'; hostname; cat /etc/hostname")

    assert output.split()[0] == "1"
    assert int(output.split()[1]) < 6
    assert output.split()[2:] == ["a", "a"]


@pytest.mark.embedded("its jobs see the machine's own files")
@pytest.mark.processes("its jobs see the machine's own files")
def test_host_paths_are_readable_and_untouched(api: Api, tmp_path: Path):
    """The machine's files can be read; what a job writes there stays in the job."""
    (tmp_path / "file").write_text("of the machine")
    script = f"cat {tmp_path}/file; echo changed >{tmp_path}/file; touch {tmp_path}/new"

    output = api.output("a", script)

    assert output == "of the machine"
    assert (tmp_path / "file").read_text() == "of the machine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.embedded("its node is this machine, with the tests' own files")
def test_host_path_volumes_are_shared_with_the_machine(api: Api, tmp_path: Path):
    """A hostPath volume is the directory itself; one that is not there is an event."""
    volume = {"name": "h", "hostPath": {"path": str(tmp_path), "type": "Directory"}}
    api.output("a", "echo x >/h/out", container=mounting(("h", "/h")), volumes=[volume])
    missing = {"name": "h", "hostPath": {"path": str(tmp_path / "no"), "type": "Directory"}}
    api.create("pods", pod("b", container=mounting(("h", "/h")), volumes=[missing]))
    wait_until(lambda: warnings(api, "b")[-1:] == ["FailedMount"], "an event")

    assert (tmp_path / "out").read_text() == "x\n"


def test_host_aliases_are_in_the_hosts_file(api: Api):
    """`hostAliases` give names to addresses, as services of jobs need."""
    aliases = [{"ip": "127.0.0.1", "hostnames": ["db", "postgres"]}]

    assert "127.0.0.1" in api.output("a", "getent hosts postgres", hostAliases=aliases)


@ROOT
@pytest.mark.embedded("its containers have a home that any user may write to")
@pytest.mark.processes("its containers have a home that any user may write to")
def test_users_and_groups_are_kept(api: Api):
    """runAsUser, runAsGroup and fsGroup, also for commands that are run inside."""
    context = {"runAsUser": 1234, "runAsGroup": 2345, "fsGroup": 3456}
    output = api.output(
        "a",
        "id -u; id -g; id -G; touch /ws/mine $HOME/x; stat -c %g /ws/mine",
        container=mounting(("ws", "/ws")),
        volumes=[{"name": "ws", "emptyDir": {}}],
        securityContext=context,
    )

    assert output.split() == ["1234", "2345", "2345", "3456", "3456"]


@ROOT
def test_rights_are_dropped_and_added(api: Api):
    """A container has the usual few capabilities; privileged ones have all, read only is kept."""
    plain = api.run("plain", "mount -t tmpfs none /mnt")
    privileged = {"securityContext": {"privileged": True}}
    read_only = {"securityContext": {"readOnlyRootFilesystem": True}}

    assert plain["status"]["phase"] == "Failed"
    api.output("free", "mount -t tmpfs none /mnt", container=privileged)
    assert api.run("bound", "touch /x", container=read_only)["status"]["phase"] == "Failed"


@pytest.mark.embedded("it has no images")
@pytest.mark.processes("it has no images")
def test_image_that_is_not_honoured_is_said_loudly(api: Api):
    """Each container whose image stands for nothing has a warning."""
    api.run("a", "true", container={"image": "ruby:3.3"})

    warnings = [event[2] for event in api.events("a") if event[1] == "ImageNotHonoured"]
    assert len(warnings) == 1
    assert "image: ruby:3.3 is NOT honoured" in warnings[0]


@SIDECARS
def test_tcp_and_exec_probes_gate_the_main_container(api: Api):
    """A native sidecar with a probe is started before, and stopped after, the main container."""
    server = (
        "import socket,time; time.sleep(0.2); s=socket.socket(); s.bind(('127.0.0.1', 0));"
        "s.listen(); open('/ws/port','w').write(str(s.getsockname()[1])); time.sleep(60)"
    )
    sidecar = {
        "name": "svc",
        "image": "x",
        "restartPolicy": "Always",
        "command": ["python3", "-c", server],
        "startupProbe": {
            "exec": {"command": ["test", "-s", "/ws/port"]},
            "periodSeconds": 1,
            "failureThreshold": 20,
        },
        **mounting(("ws", "/ws")),
    }
    output = api.output(
        "a",
        "test -s /ws/port && echo up",
        container=mounting(("ws", "/ws")),
        initContainers=[sidecar],
        volumes=[{"name": "ws", "emptyDir": {}}],
    )

    assert output == "up\n"


@SIDECARS
def test_crashing_sidecar_does_not_hold_up_the_end(api: Api):
    """A sidecar that waits for its next start is not waited for."""
    sidecar = {
        "name": "svc",
        "image": "x",
        "restartPolicy": "Always",
        "command": ["sh", "-c", "sleep 0.1; exit 1"],
    }
    api.create("pods", pod("a", "sleep 0.6", initContainers=[sidecar]))

    ended = api.wait("a", has_ended)

    assert ended["status"]["phase"] == "Succeeded"
    assert ended["status"]["initContainerStatuses"][0]["restartCount"] > 0


def test_links_in_a_volume_lead_nowhere_else(api: Api, tmp_path: Path):
    """A sub path that a job has made a link out of its volume is refused."""
    share = mounting(("ws", "/ws"))
    link = {"name": "first", "image": "x", "command": ["ln", "-s", str(tmp_path), "/ws/out"]}
    container = mounting(("ws", "/ws"), ("ws", "/out", "out"))
    spec = pod("a", "touch /out/x", container=container, initContainers=[{**link, **share}])
    spec["spec"]["volumes"] = [{"name": "ws", "emptyDir": {}}]
    api.create("pods", spec)
    api.wait("a", lambda one: "CreateContainerConfigError" in str(state_of(one)))

    assert list(tmp_path.iterdir()) == []


def test_deleting_again_with_less_grace_hurries(api: Api):
    """A second deletion shortens the time that a container has left."""
    api.create("pods", pod("a", "trap '' TERM; while :; do sleep 0.1; done"))
    api.wait("a", is_running)
    api.delete("pods", "a", gracePeriodSeconds=600)
    api.delete("pods", "a", gracePeriodSeconds=1)

    api.wait_gone("a")


def test_owned_secret_goes_with_its_pod(api: Api):
    """A Secret that a pod owns is deleted with it, unless the deletion orphans it."""
    for name, policy in (("a", "Background"), ("b", "Orphan"), ("c", "Foreground")):
        uid = api.create("pods", pod(name, "sleep 60"))["metadata"]["uid"]
        owner = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
        api.create("secrets", {"metadata": {"name": name, "ownerReferences": [owner]}})
        api.delete("pods", name, propagationPolicy=policy)
        api.wait_gone(name)
    stray = {"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "1-2-3"}
    api.create("secrets", {"metadata": {"name": "stray", "ownerReferences": [stray]}})

    wait_until(lambda: api.names("secrets") == ["b"], "the garbage collector")

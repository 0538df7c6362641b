"""Small pure functions of the cluster, by examples."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_cluster.api import protobuf
from gitlab_ci_cluster.api.pod_columns import status_text
from gitlab_ci_cluster.api.tables import human_duration
from gitlab_ci_cluster.controllers.scheduler import why_not
from gitlab_ci_cluster.files import remove_tree
from gitlab_ci_cluster.kubelet.images import name_problem
from gitlab_ci_cluster.kubelet.unsupported import unsupported_fields
from gitlab_ci_cluster.objects.errors import ApiError
from gitlab_ci_cluster.objects.meta import parse_time
from gitlab_ci_cluster.objects.quantity import parse_quantity
from gitlab_ci_cluster.runtimes.interface import (
    ContainerConfig,
    PodConfig,
    RuntimeConfig,
)
from gitlab_ci_cluster.runtimes.process.config import capabilities, process_spec
from gitlab_ci_cluster.runtimes.process.rootfs import host_mounts


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1", 1), ("500m", "0.5"), ("1Ki", 1024), ("1.5Gi", 1610612736), ("2e3", 2000), ("1k", 1000)],
)
def test_quantities(text: str, amount: float | str):
    """Decimal, binary and exponent suffixes."""
    assert parse_quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "x", "1x", "1.1.1", "Mi", "1 Mi"])
def test_what_is_no_quantity_is_refused(text: str):
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (7 * 3600 + 60, "7h1m"),
        (47 * 3600, "47h"),
        (3 * 86400 + 7200, "3d2h"),
        (400 * 86400, "400d"),
        (800 * 86400, "2y70d"),
    ],
)
def test_ages_are_short(seconds: int, shown: str):
    """At most two units, as kubectl shows them."""
    assert human_duration(seconds) == shown


@pytest.mark.parametrize(
    "image",
    ["alpine", "docker.io/library/busybox:1.35", "localhost:5000/a/b", "a@sha256:" + "0" * 64],
)
def test_good_image_names(image: str):
    """Domains, ports, tags and digests."""
    assert name_problem(image) is None


@pytest.mark.parametrize("image", ["UPPER", "a b", "a/UPPER:1", "a:", ":1", "a//b", "-a"])
def test_bad_image_names(image: str):
    """The kubelet would say InvalidImageName."""
    assert "invalid reference format" in (name_problem(image) or "")


def test_times_need_a_zone():
    """RFC 3339 only."""
    assert parse_time("2026-01-01T00:00:00.5Z") == dt.datetime(2026, 1, 1, 0, 0, 0, 500000, dt.UTC)
    with pytest.raises(ValueError, match="no time zone"):
        parse_time("2026-01-01T00:00:00")


def test_mounts_of_the_host_are_found():
    """Real file systems below /, with odd names; not pseudo ones, not what is built anew."""
    text = """\
1 0 8:1 / / rw - ext4 /dev/sda rw
2 1 8:2 / /home rw shared:1 - ext4 /dev/sdb rw
3 1 8:3 / /mnt/with\\040space rw - xfs /dev/sdc rw
4 1 0:4 / /proc rw - proc proc rw
5 1 0:5 / /run/user/1 rw - tmpfs tmpfs rw
6 1 0:6 / /sys/fs/cgroup rw - tmpfs tmpfs rw
7 1 0:7 / /tmp rw - tmpfs tmpfs rw
8 1 0:8 / /dev/shm rw - tmpfs tmpfs rw
9 1 0:9 / /net rw - autofs systemd rw
"""

    assert list(host_mounts(text)) == ["/home", "/mnt/with space", "/tmp"]


def container(**fields: Any) -> ContainerConfig:
    return ContainerConfig(id="c", image="i", argv=("true",), env={}, cwd=None, **fields)


def test_capabilities_are_few_unless_asked_for():
    """Dropping all leaves what is added; privileged keeps all."""
    only = {"drop_capabilities": frozenset({"ALL"}), "add_capabilities": frozenset({"CHOWN"})}

    assert capabilities(container(**only)) == [0]
    assert capabilities(container(privileged=True)) is None
    assert 21 not in (capabilities(container()) or [])
    assert 21 in (capabilities(container(add_capabilities=frozenset({"SYS_ADMIN"}))) or [])


def test_environment_holds_nothing_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Only PATH, HOME, HOSTNAME and the pod's own variables; the image's directory comes first."""
    monkeypatch.setenv("LEAK", "1")
    pod = PodConfig(uid="u", name="p", namespace="n", hostname="h", directory=tmp_path)
    runtime = RuntimeConfig(
        directory=tmp_path, leftovers=(), lock=0, paths={"i": "/tools"}, on_lost=lambda: None
    )

    env = process_spec(pod, container(), runtime, "root")["env"]

    assert set(env) == {"PATH", "HOME", "HOSTNAME"}
    assert env["PATH"].startswith("/tools:/usr/local/sbin:")


def test_protobuf_of_kubectl_is_read():
    """`kubectl create configmap c --from-literal=k=v`."""
    meta = b"\x0a\x01c\x12\x00\x1a\x02ns"
    entry = b"\x0a\x01k\x12\x01v"
    body = b"\x0a" + bytes([len(meta)]) + meta + b"\x12" + bytes([len(entry)]) + entry
    kind = b"\x0a\x02v1\x12\x09ConfigMap"
    message = b"k8s\x00\x0a" + bytes([len(kind)]) + kind + b"\x12" + bytes([len(body)]) + body

    assert protobuf.decode(message) == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "c", "namespace": "ns"},
        "data": {"k": "v"},
    }
    for broken in (b"", b"{}", message[:-1], b"k8s\x00\xff"):
        with pytest.raises(ApiError):
            protobuf.decode(broken)


def test_trees_without_permissions_are_removed(tmp_path: Path):
    """Links are not followed, closed directories are opened."""
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = tmp_path / "tree"
    (tree / "closed" / "deep").mkdir(parents=True)
    (tree / "link").symlink_to(outside)
    (tree / "closed").chmod(0)

    assert remove_tree(tree)
    assert not tree.exists()
    assert outside.is_dir()
    assert remove_tree(Path(tmp_path / "nothing"))


def test_pod_that_asks_too_much_is_not_scheduled():
    """The problem is told in the scheduler's words."""
    spec = {"containers": [{"resources": {"requests": {"cpu": "6400", "memory": "1Mi"}}}]}

    problem = why_not({"spec": spec}, "node")

    assert problem is not None
    assert "1 Insufficient cpu." in problem.message
    assert why_not({"spec": {"containers": [{}]}}, "node") is None


def test_fields_that_nothing_acts_on_are_listed():
    """Of the pod, of its containers, and of what is asked of security."""
    spec = {
        "affinity": {"nodeAffinity": {}},
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": 1},
        "containers": [{"name": "m", "restartPolicyRules": [{}], "image": "x"}],
    }

    assert unsupported_fields(spec) == [
        "spec.affinity",
        "spec.securityContext.seccompProfile",
        "spec.containers{m}.restartPolicyRules",
    ]


def test_status_column_follows_the_containers():
    """Init progress, reasons of waiting, Terminating."""
    spec = {"containers": [{"name": "m"}], "initContainers": [{"name": "i"}]}
    waiting = {"name": "m", "state": {"waiting": {"reason": "PodInitializing"}}, "ready": False}
    running = {"name": "i", "state": {"running": {}}, "started": True, "ready": False}
    ended = {**running, "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    pod: dict[str, Any] = {"metadata": {}, "spec": spec, "status": {"phase": "Pending"}}

    def shown(init: dict[str, Any], main: dict[str, Any], **metadata: Any) -> str:
        status = {**pod["status"], "initContainerStatuses": [init], "containerStatuses": [main]}
        return status_text({**pod, "metadata": metadata, "status": status})

    assert shown(running, waiting) == "Init:0/1"
    assert shown(ended, waiting) == "Init:Error"
    assert shown(running, waiting, deletionTimestamp="now") == "Terminating"

"""From a container to what an engine is asked to create."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_cluster.runtimes.engine.create import CLUSTER_LABEL, NO_LOG, Owner, create_body
from gitlab_ci_cluster.runtimes.interface import ContainerConfig, Image, Mount, PodConfig, User

POD = PodConfig(uid="u", name="p", namespace="n", hostname="h", directory=Path("/d"))


def body(image_user: str = "", limits: dict[str, int] | None = None, **fields: Any) -> Any:
    given: dict[str, Any] = {"id": "c", "image": "i", "argv": ("true",), "env": {}, "cwd": None}
    owner = Owner(cluster="ours", limits=limits or {})
    config = ContainerConfig(**{**given, **fields})
    image = Image(id="sha256:1", user=image_user)
    return create_body(POD, config, owner, image=image, log=NO_LOG)


def test_a_command_replaces_the_program_of_the_image():
    """And its arguments, of which none may be left."""
    made = body(argv=("sh", "-c", "true"))

    assert (made["Entrypoint"], made["Cmd"]) == (["sh", "-c", "true"], [])


def test_arguments_alone_are_for_the_program_of_the_image():
    """Without either, the image decides."""
    assert body(argv=("--port", "1"), own_program=False)["Cmd"] == ["--port", "1"]
    assert "Entrypoint" not in body(argv=("--port", "1"), own_program=False)
    assert not {"Entrypoint", "Cmd"} & set(body(argv=()))


@pytest.mark.parametrize(
    ("user", "image_user", "wanted"),
    [
        (None, "app", None),
        (User(uid=7), "app", "7"),
        (User(uid=7, gid=8), "", "7:8"),
        (User(uid=None, gid=8), "app:app", "app:8"),
        (User(uid=None, gid=8), "", "0:8"),
        (User(uid=None, groups=(9,)), "app", None),
    ],
)
def test_whom_a_container_runs_as(user: User | None, image_user: str, wanted: str | None):
    """What the pod does not say is left to the image."""
    assert body(image_user, user=user).get("User") == wanted


def test_containers_are_marked_as_ours():
    """What a killed cluster leaves is found by its label."""
    assert body()["Labels"][CLUSTER_LABEL] == "ours"


def test_rights_and_limits_are_passed_on():
    """With the names that the API has for them."""
    host = body(
        limits={"nofile": 5},
        no_new_privileges=True,
        profiles=("seccomp=unconfined", "apparmor=mine"),
        read_only_root=True,
        drop_capabilities=frozenset({"NET_RAW", "MKNOD"}),
        memory_limit=1024,
        cpu_limit=0.5,
        user=User(uid=None, groups=(9,)),
        mounts=(Mount(source=Path("/a"), target="/b", read_only=True),),
    )["HostConfig"]

    wanted = {"no-new-privileges", "seccomp=unconfined", "apparmor=mine"}
    assert wanted < set(host["SecurityOpt"])
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["MKNOD", "NET_RAW"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (1024, 1024, 500_000_000)
    assert host["GroupAdd"] == ["9"]
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 5, "Hard": 5}]
    assert host["Mounts"] == [{"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": True}]


def test_no_container_is_privileged_or_keeps_a_log_unless_asked():
    """The engine's copy of the log would only fill the disk."""
    host = body()["HostConfig"]

    assert host["Privileged"] is False
    assert host["LogConfig"] == {"Type": "none"}

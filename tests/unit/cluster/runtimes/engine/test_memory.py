"""Where the kernel counts what it has killed for memory."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gitlab_ci_cluster.runtimes.engine.memory import KillCounter, counter_of
from processes.waiting import wait_until

V1 = "9:name=systemd:/a\n5:memory:/libpod_parent/libpod-1\n0::/\n"
V2 = "0::/machine.slice/libpod-1.scope\n"


@pytest.mark.parametrize(
    ("cgroups", "wanted"),
    [
        (V1, "/sys/fs/cgroup/memory/libpod_parent/libpod-1/memory.oom_control"),
        (V2, "/sys/fs/cgroup/machine.slice/libpod-1.scope/memory.events"),
    ],
)
def test_the_counter_is_in_the_cgroup_of_the_container(cgroups: str, wanted: str):
    """Of either version."""
    assert counter_of(cgroups) == Path(wanted)


def test_without_cgroups_nothing_is_counted():
    """As in a rootless container without delegation."""
    assert counter_of("") is None


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A cgroup with 20 MB of memory."""
    folder = Path(f"/sys/fs/cgroup/memory/gitlab-ci-test-{os.getpid()}")
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text("20000000")
    except OSError:
        pytest.skip("needs the right to make cgroups, of version 1")
    yield folder
    with suppress(FileNotFoundError):
        folder.rmdir()


@pytest.mark.parametrize(("use", "killed"), [("head -c 60M /dev/zero | tail", True), (":", False)])
@pytest.mark.parametrize("gone", [False, True])
def test_a_kill_is_known_after_the_cgroup_has_gone(
    cgroup: Path, use: str, *, killed: bool, gone: bool
):
    """An engine may remove the cgroup first; that its first process ends otherwise is no matter."""
    counter = KillCounter(cgroup / "memory.oom_control")
    script = f"echo $$ >{cgroup}/cgroup.procs; {use}; exit 7"
    ended = subprocess.run(["sh", "-c", script], capture_output=True, check=False)
    assert killed or ended.returncode == 7
    if gone:
        wait_until(lambda: _is_removed(cgroup), "the removal")

    assert asyncio.run(counter.has_killed()) == killed


def _is_removed(cgroup: Path) -> bool:
    try:
        cgroup.rmdir()
    except OSError:
        return False
    return True

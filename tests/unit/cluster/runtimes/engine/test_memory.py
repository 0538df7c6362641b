"""Where the kernel counts what it has killed for memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_cluster.runtimes.engine.memory import counter_of

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

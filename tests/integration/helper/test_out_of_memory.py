"""A script that the kernel really kills, in a memory cgroup of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.workspace import OUT_OF_MEMORY
from processes.build import Build
from processes.shells import NAMES, shell_named
from processes.waiting import wait_until

CONTROLLER = Path("/sys/fs/cgroup/memory")
LIMIT = 64 << 20

EATER = "head -c 400000000 /dev/zero | tail -c 300000000 >/dev/null; exit 9"
"""`tail` keeps what it may have to print."""


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Path]:
    """A group with a limit, which the entry sees as a container would: at the same paths."""
    made = CONTROLLER / f"gitlab-ci-test-{os.getpid()}"
    try:
        made.mkdir()
        (made / "memory.limit_in_bytes").write_text(str(LIMIT))
    except OSError:
        pytest.skip("this machine lets us make no memory cgroup (v1)")
    (tmp_path / "cgroup").mkdir()
    (tmp_path / "cgroup" / "memory").symlink_to(made)
    yield made
    wait_until(lambda: not (made / "cgroup.procs").read_text(), "the end of all processes")
    made.rmdir()


@pytest.mark.parametrize("name", NAMES)
def test_the_kernels_kill_is_named_with_limit_and_peak(name: str, group: Path, tmp_path: Path):
    """A child of the script is killed; process 1 lives on and asks the kernel."""
    build = Build(tmp_path, shell_named(name, tmp_path), Script(main=(EATER,)))
    join = f'echo $$ >{group}/cgroup.procs; exec "$@"'

    code, _, log = build.run("/bin/sh", "-c", join, "sh")

    words = (tmp_path / "last-words").read_text()
    assert code != 0
    assert words.startswith(OUT_OF_MEMORY)
    assert "limit 64 MiB, peak 64 MiB" in words
    assert words in log

"""What process 1 of the build container asks the kernel about memory, in each shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.model.job import Script
from processes.build import Build
from processes.shells import NAMES, shell_named


@pytest.fixture(params=NAMES)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each shell in turn."""
    return shell_named(request.param, tmp_path)


def cgroup_file(folder: Path, version: int, kills: int) -> dict[str, str]:
    """Name the files in which the kernel tells of a container's memory."""
    many = {
        2: {
            "memory.events": f"low 0\nmax 9\noom 2\noom_kill {kills}\noom_group_kill 0\n",
            "memory.max": "67108864\n",
            "memory.peak": "67100672\n",
        },
        1: {
            "memory/memory.oom_control": f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n",
            "memory/memory.limit_in_bytes": "67108864\n",
            "memory/memory.max_usage_in_bytes": "67100672\n",
        },
    }
    (folder / "cgroup" / "memory").mkdir(parents=True, exist_ok=True)
    return many[version]


def write_cgroup(folder: Path, version: int, kills: int) -> str:
    """Write these files; returns the commands that count one kill more, as the kernel would."""
    for name, text in cgroup_file(folder, version, kills).items():
        (folder / "cgroup" / name).write_text(text)
    name, text = next(iter(cgroup_file(folder, version, kills + 1).items()))
    return f"printf '%s' '{text}' >{folder}/cgroup/{name}"


@pytest.mark.parametrize("version", [1, 2])
def test_a_script_that_is_killed_for_memory_says_so(shell: Path, tmp_path: Path, version: int):
    """Only the kernel knows, if this shell lives on: with the limit and the peak, on v1 and v2."""
    kill = write_cgroup(tmp_path, version, 3)
    build = Build(tmp_path, shell, Script(main=(kill, "exit 137")))

    code, _, log = build.run()

    words = (
        "out of memory: the kernel killed 1 of the script's processes, limit 64 MiB, peak 63 MiB"
    )
    assert code == 137
    assert f"WARNING: {words}" in log
    assert (tmp_path / "last-words").read_text() == words


def test_a_kill_that_a_script_survives_is_a_warning(shell: Path, tmp_path: Path):
    """The job passes, as in GitLab."""
    build = Build(tmp_path, shell, Script(main=(write_cgroup(tmp_path, 2, 0),)))

    code, _, log = build.run()

    assert code == 0
    assert "WARNING: out of memory" in log
    assert not (tmp_path / "last-words").exists()


def test_kills_before_the_script_do_not_count(shell: Path, tmp_path: Path):
    """Nor does a kernel that counts none, or a limit that nobody has set."""
    write_cgroup(tmp_path, 2, 5)

    code, _, log = Build(tmp_path, shell, Script(main=("exit 3",))).run()

    assert code == 3
    assert "out of memory" not in log

"""Containers of which nothing runs, for load tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gitlab_ci_cluster.runtimes.inert import InertRuntime
from gitlab_ci_cluster.runtimes.interface import ContainerConfig, PodConfig, Stream


async def live(folder: Path, *argv: str, kill: int = 0) -> tuple[int, bytes]:
    """Have a container live; gives its code, and what it wrote."""
    written = bytearray()

    def sink(_: Stream, data: bytes) -> None:
        written.extend(data)

    runtime = InertRuntime()
    pod = PodConfig(uid="u", name="p", namespace="n", hostname="p", directory=folder / "pod")
    await runtime.add_pod(pod)
    config = ContainerConfig(id="c", image="", argv=argv, env={}, cwd=None)
    container = await runtime.start(pod, config, sink)
    if kill:
        container.signal(kill)
    code = await container.wait()
    await runtime.remove_pod(pod)
    assert not pod.directory.exists()
    return code, bytes(written)


def test_a_container_writes_its_lines_and_ends(tmp_path: Path):
    """Each once, with its number."""
    code, written = asyncio.run(live(tmp_path, "inert", "0", "50"))

    lines = [line for line in written.split(b"\n") if b"|" in line]
    assert code == 0
    assert lines == [b"%d|line %d" % (number, number) for number in range(1, 51)]


def test_a_container_can_be_killed(tmp_path: Path):
    """It ends with the signal, as a process would."""
    assert asyncio.run(live(tmp_path, "inert", "600", "1", kill=9))[0] == 137


def test_any_other_command_ends_at_once(tmp_path: Path):
    """As a success."""
    assert asyncio.run(live(tmp_path, "sleep", "600"))[0] == 0

"""Choose a runtime by running a tiny pod with each, the best isolation first."""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from pathlib import Path
from typing import Literal

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.runtimes.inert import InertRuntime
from gitlab_ci_cluster.runtimes.interface import (
    ContainerConfig,
    Mount,
    PodConfig,
    Runtime,
    RuntimeConfig,
    StartError,
    Stream,
)
from gitlab_ci_cluster.runtimes.process.runtime import ProcessRuntime
from gitlab_ci_cluster.runtimes.process.spec import Level

RuntimeName = Literal["auto", "process", "root", "user", "plain", "inert"]
"""`process` is the best level that works; a level's own name takes no other."""

_log = logging.getLogger(__name__)
_TRIAL = 'test "$(cat /gitlab-ci-trial/in)" = ok && echo ok > /etc/gitlab-ci-trial && echo ok'


async def choose_runtime(name: RuntimeName, config: RuntimeConfig) -> Runtime:
    """Open the best runtime that works here.

    Raises:
        ClusterError: none does.
    """
    if name == "inert":
        return InertRuntime()
    problems = []
    for level, in_memory in _candidates(name):
        runtime = ProcessRuntime(level, config, in_memory=in_memory)
        try:
            await runtime.open()
            await _try(runtime, config.directory)
        except (ClusterError, StartError) as error:
            problems.append(f"{level}: {error}")
            await runtime.close()
        else:
            report = _log.warning if level == "plain" else _log.info
            report("runtime process, level %s: %s", level, runtime.description)
            return runtime
    raise ClusterError(f"no runtime works on this machine; {'; '.join(problems)}")


def _candidates(name: RuntimeName) -> list[tuple[Level, bool]]:
    """List levels with whether to keep layers in memory, best first."""
    levels: tuple[Level, ...]
    if name in {"root", "user", "plain"}:
        levels = (name,)
    else:
        levels = ("root", "user", "plain") if os.geteuid() == 0 else ("user", "plain")
    return [
        (level, in_memory)
        for level in levels
        for in_memory in ((False,) if level == "plain" else (False, True))
    ]


async def _try(runtime: Runtime, directory: Path) -> None:
    """Run a tiny pod: a volume, a private write, output, an exit code."""
    uid = f"trial-{uuid.uuid4()}"
    pod = PodConfig(
        uid=uid, name="trial", namespace="", hostname="trial", directory=directory / "pods" / uid
    )
    volume = pod.directory / "volume"
    volume.mkdir(parents=True)
    (volume / "in").write_text("ok")
    output = bytearray()

    def take(_: Stream, data: bytes) -> None:
        output.extend(data)

    config = ContainerConfig(
        id=uid,
        image="",
        argv=("/bin/sh", "-c", _TRIAL if runtime.mounts else "echo ok"),
        env={},
        cwd=None,
        mounts=(Mount(source=volume, target="/gitlab-ci-trial"),) if runtime.mounts else (),
    )
    try:
        await runtime.add_pod(pod)
        container = await runtime.start(pod, config, take)
        code = await container.wait()
        await runtime.remove_pod(pod)
    finally:
        shutil.rmtree(pod.directory, ignore_errors=True)
    if code != 0 or b"ok" not in output:
        shown = output.decode(errors="replace").strip()
        raise ClusterError(f"a tiny pod ended with {code}: {shown}")

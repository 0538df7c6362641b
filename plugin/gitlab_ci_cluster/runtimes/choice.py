"""Choose a runtime by running a tiny pod with each, the best isolation first."""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gitlab_ci_cluster.exceptions import ClusterError
from gitlab_ci_cluster.runtimes.engine.cures import cures
from gitlab_ci_cluster.runtimes.engine.discovery import candidates, remote_host
from gitlab_ci_cluster.runtimes.engine.runtime import EngineRuntime
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
from gitlab_ci_cluster.runtimes.known import PROCESSES, RuntimeName, wanted_runtime
from gitlab_ci_cluster.runtimes.mixed import MixedRuntime
from gitlab_ci_cluster.runtimes.process.runtime import ProcessRuntime
from gitlab_ci_cluster.runtimes.process.spec import Level

_log = logging.getLogger(__name__)
_TRIAL = 'test "$(cat /gitlab-ci-trial/in)" = ok && echo ok > /etc/gitlab-ci-trial && echo ok'


async def choose_runtime(name: RuntimeName, config: RuntimeConfig) -> Runtime:
    """Open the best runtime that works here.

    Raises:
        ClusterError: none does.
    """
    name = wanted_runtime(name)
    if name == "inert":
        return InertRuntime()
    if name in PROCESSES:
        return await _processes(name, config)
    try:
        return await _with_engine(name, config)
    except ClusterError as error:
        if name != "auto":
            raise
        _log.info("images are not used: %s", error)
    return await _processes(name, config)


async def _processes(name: RuntimeName, config: RuntimeConfig) -> Runtime:
    problems = []
    for level, in_memory in _levels(name):
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


async def _with_engine(name: RuntimeName, config: RuntimeConfig) -> Runtime:
    """Open the first engine of that name which works, next to processes for our own programs."""
    engine = await _engine(name, config)
    try:
        # The watchdog of the engine deletes what is left, once no container can write to it.
        processes = await _processes("process", replace(config, leftovers=()))
        await _check_mounts(processes)
    except ClusterError:
        await engine.close()
        raise
    return MixedRuntime(engine, processes, frozenset(config.paths))


async def _check_mounts(processes: Runtime) -> None:
    if not processes.mounts:
        await processes.close()
        raise ClusterError("the helper of jobs cannot run: this machine allows no namespaces")


async def _engine(name: RuntimeName, config: RuntimeConfig) -> EngineRuntime:
    problems = list(_unusable())
    for candidate in candidates(os.environ, config.memory / "engine.sock"):
        runtime = EngineRuntime(candidate, config)
        try:
            await runtime.open()
            _check_name(runtime, name)
            image, programs = await runtime.trial()
            await _try(runtime, config.directory, image, programs)
        except (ClusterError, StartError) as error:
            problems.append(f"{candidate.where}: {error}")
            await runtime.abandon()
        else:
            _log.info("runtime %s: %s", runtime.name, runtime.description)
            return runtime
    what = "container engine" if name == "auto" else name
    if not problems:
        raise ClusterError(f"this machine has no {what}")
    raise ClusterError(cures(f"no {what} works on this machine; {'; '.join(problems)}"))


def _check_name(runtime: Runtime, name: RuntimeName) -> None:
    if name not in {"auto", runtime.name}:
        raise ClusterError(f"it is {runtime.name}")


def _unusable() -> Iterator[str]:
    if remote := remote_host(os.environ):
        yield f"DOCKER_HOST is {remote}, and only an engine of this machine sees its directories"


def _levels(name: RuntimeName) -> list[tuple[Level, bool]]:
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


async def _try(
    runtime: Runtime, directory: Path, image: str = "", programs: tuple[Mount, ...] = ()
) -> None:
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

    shown = Mount(source=volume, target="/gitlab-ci-trial")
    config = ContainerConfig(
        id=uid,
        image=image,
        argv=("/bin/sh", "-c", _TRIAL if runtime.mounts else "echo ok"),
        env={},
        cwd=None,
        mounts=(shown, *programs) if runtime.mounts else (),
    )
    try:
        await runtime.add_pod(pod)
        container = await runtime.start(pod, config, take)
        code = await container.wait()
        await runtime.remove_pod(pod)
    finally:
        shutil.rmtree(pod.directory, ignore_errors=True)
    if code != 0 or b"ok" not in output:
        shown_output = output.decode(errors="replace").strip()
        raise ClusterError(f"a tiny pod ended with {code}: {shown_output}")

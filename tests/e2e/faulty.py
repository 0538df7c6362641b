"""A stack whose parts are killed, and what it must not leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kubernetes import client, config

from e2e.embedded import Stack
from gitlab_ci_provider.local.api import TaskState
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN


@dataclass(frozen=True)
class Row:
    """One process of the machine."""

    pid: int
    parent: int
    title: str


def processes() -> list[Row]:
    """List the processes of the machine."""
    command = ["ps", "-eww", "-o", "pid,ppid,args"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = (line.split(None, 2) for line in listing.splitlines()[1:])
    return [Row(int(row[0]), int(row[1]), row[2]) for row in rows if len(row) == 3]


def task_processes(task: TaskState) -> list[int]:
    """Find the processes that run a task: children of the executor's worker that has it."""
    rows = processes()
    busy = {row.pid for row in rows if f"LocalExecutor: {task.id}" in row.title}
    return [row.pid for row in rows if row.parent in busy]


def below(pid: int) -> list[Row]:
    """List what a process has started, and what that has."""
    rows = processes()

    def down(parent: int) -> Iterator[Row]:
        for row in rows:
            if row.parent == parent:
                yield row
                yield from down(row.pid)

    return list(down(pid))


def kill_task(stack: Stack, dag: str, run: str, task: str) -> bool:
    """Kill the process of a task; False when it has none at the moment."""
    found = stack.api.tasks(dag, run).get(task)
    killed = False
    for pid in task_processes(found) if found else []:
        try:
            os.kill(pid, signal.SIGKILL)
            killed = True
        except ProcessLookupError:
            continue
    return killed


def core(stack: Stack) -> client.CoreV1Api:
    """Make a client of the stack's cluster."""
    return client.CoreV1Api(config.new_client_from_config(str(stack.home.kubeconfig)))


def pods_by_job(stack: Stack) -> Mapping[str, str]:
    """List the pods that are there, by the job that they run."""
    found = core(stack).list_namespaced_pod("default").items
    return {pod.metadata.annotations[f"{LABEL_DOMAIN}/job"]: pod.metadata.name for pod in found}


def left_behind(stack: Stack) -> list[str]:
    """List what runs have left: pods, Secrets, and unfinished files."""
    api = core(stack)
    pods = [f"pod {one.metadata.name}" for one in api.list_namespaced_pod("default").items]
    secrets = [
        f"secret {one.metadata.name}"
        for one in api.list_namespaced_secret("default").items
        if one.type == "Opaque"
    ]
    files = [str(path) for path in unfinished(stack.home.data)]
    return [*pods, *secrets, *files]


def unfinished(folder: Path) -> Iterator[Path]:
    """Find files that somebody has begun to write and never finished."""
    return folder.rglob(".new-*")

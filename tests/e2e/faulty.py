"""A stack whose parts are killed, and what it must not leave behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from e2e.embedded import Stack
from e2e.runs import wait_for
from gitlab_ci_provider.airflow_api.client import TaskState
from gitlab_ci_provider.exceptions import AirflowApiError
from gitlab_ci_provider.local.stack.state import read_state
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN
from processes.counter import Heard

httpx = pytest.importorskip("httpx")

TIMES = 3
"""How often each moment is hit."""

TRIGGERER = r"airflow triggerer"

Kill = Callable[[Stack, str, str, str], bool]


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


def kill_worker(
    stack: Stack, dag: str, run: str, task: str, by: signal.Signals = signal.SIGKILL
) -> bool:
    """Kill the executor's worker that has a task, and with it the task's process; False if none."""
    found = stack.api.tasks(dag, run).get(task)
    if found is None or not any(f"LocalExecutor: {found.id}" in row.title for row in processes()):
        return False
    kill_component(stack, f"LocalExecutor: {found.id}", by)
    return True


def end_worker(stack: Stack, dag: str, run: str, task: str) -> bool:
    """Tell the worker that has a task to end, as a deployment of Airflow does; False if none."""
    return kill_worker(stack, dag, run, task, signal.SIGTERM)


def kill_follower(
    stack: Stack, dag: str, run: str, task: str, kill: Kill = kill_task
) -> Literal["worker", "triggerer"]:
    """Kill who follows a job's pod: its worker, or the triggerer if that has taken the pod over."""
    killed = False

    def found() -> bool:
        nonlocal killed
        killed = kill(stack, dag, run, task)
        return killed or is_deferred(stack, dag, run, task)

    wait_for(found)
    if killed:
        return "worker"
    kill_triggerer(stack)
    return "triggerer"


def is_deferred(stack: Stack, dag: str, run: str, task: str) -> bool:
    """Tell whether a task has no worker, because the triggerer follows its pod."""
    tasks = stack.api.tasks(dag, run)
    return task in tasks and tasks[task].state == "deferred"


def kill_triggerer(stack: Stack) -> None:
    """Kill the triggerer, and wait for the next one."""
    kill_and_wait(stack, TRIGGERER)


def kill_and_wait(stack: Stack, title: str) -> None:
    """Kill a part of the stack, and wait for the next one."""
    gone = kill_component(stack, title)
    wait_for(partial(is_back, stack, title, gone))


def pods_by_job(stack: Stack) -> Mapping[str, str]:
    """List the pods that are there, by the job that they run."""
    found = stack.core.list_namespaced_pod(stack.namespace).items
    return {pod.metadata.annotations[f"{LABEL_DOMAIN}/job"]: pod.metadata.name for pod in found}


def left_behind(stack: Stack) -> list[str]:
    """List what runs have left: pods, Secrets, and unfinished files."""
    api = stack.core
    pods = [f"pod {one.metadata.name}" for one in api.list_namespaced_pod(stack.namespace).items]
    secrets = [
        f"secret {one.metadata.name}"
        for one in api.list_namespaced_secret(stack.namespace).items
        if one.type == "Opaque"
    ]
    files = [str(path) for path in unfinished(stack.home.data)]
    return [*pods, *secrets, *files]


def unfinished(folder: Path) -> Iterator[Path]:
    """Find files that somebody has begun to write and never finished."""
    return folder.rglob(".new-*")


def kill_component(stack: Stack, title: str, by: signal.Signals = signal.SIGKILL) -> int:
    """Kill the part of the stack with such a process title, the topmost one; return its process."""
    state = read_state(stack.home)
    assert state is not None
    found = next(row for row in below(state.pid) if re.search(title, row.title))
    os.kill(found.pid, by)
    return found.pid


def is_back(stack: Stack, title: str, killed: int) -> bool:
    """Return whether a part that was killed runs again."""
    state = read_state(stack.home)
    rows = below(state.pid) if state else []
    return any(re.search(title, row.title) and row.pid != killed for row in rows)


def calmly(ask: Callable[[], bool]) -> bool:
    """Ask Airflow; no answer, for its server may be down at the moment, is a no."""
    try:
        return ask()
    except (httpx.TransportError, AirflowApiError):
        return False


def kill_stack(stack: Stack) -> list[int]:
    """Kill the supervisor of a stack; return all processes of the stack."""
    state = read_state(stack.home)
    assert state is not None
    alive = [state.pid, *(row.pid for row in below(state.pid))]
    os.kill(state.pid, signal.SIGKILL)
    return alive


def running(pids: Collection[int]) -> list[Row]:
    """List which of these processes run; what has ended and was not waited for does not."""
    return [row for row in processes() if row.pid in pids and "<defunct>" not in row.title]


def job(heard: Heard, name: str, seconds: float = 3, **keywords: str) -> str:
    """Write a job that tells when it begins and ends, and leaves its name for later ones."""
    lines = [
        f"{name}:",
        *(f"  {keyword}: {value}" for keyword, value in keywords.items()),
        "  script:",
        f"    - {heard.say(f'{name} begins')}",
        f"    - echo output of {name}",
        f"    - sleep {seconds}",
        f"    - echo {name.upper()}=done > left.env",
        f"    - {heard.say(f'{name} ends')}",
        "  artifacts: {reports: {dotenv: left.env}}",
    ]
    return "\n".join(lines) + "\n"


def have_ended(pids: Collection[int]) -> bool:
    """Return whether none of these processes runs any more."""
    return not running(pids)

"""How a container ended, whether it starts again, and when."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path

from gitlab_ci_cluster.kubelet.logs import ContainerLog
from gitlab_ci_cluster.kubelet.records import (
    ContainerRecord,
    Running,
    Terminated,
)
from gitlab_ci_cluster.objects.meta import Obj, now

START_FAILURE = 128
"""Exit code of a container whose program could not be started."""

_BACK_OFF_SECONDS = (0, 10, 20, 40, 80, 160, 300)
_MESSAGE_BYTES = 4096
_FALLBACK_LINES, _FALLBACK_BYTES = 80, 2048
_RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: "
)


def ended(record: ContainerRecord, code: int, *, oom_killed: bool, message: str) -> Terminated:
    """Describe the end of a container that ran."""
    started_at: dt.datetime = (
        record.state.started_at if isinstance(record.state, Running) else now()
    )
    return Terminated(
        exit_code=code,
        reason="OOMKilled" if oom_killed else "Completed" if code == 0 else "Error",
        message=message or None,
        started_at=started_at,
        finished_at=now(),
        container_id=record.container_id,
    )


def not_started(error: str, container_id: str) -> Terminated:
    """Describe a container that never ran, in the words of runc."""
    return Terminated(
        exit_code=START_FAILURE,
        reason="StartError",
        message=f"{_RUNC}{error}",
        finished_at=now(),
        container_id=container_id,
    )


def termination_message(spec: Obj, path: Path, code: int, log: ContainerLog | None) -> str:
    """Read the termination message of a container, as `terminationMessagePolicy` says."""
    text = b""
    with suppress(OSError), path.open("rb") as file:
        text = file.read(_MESSAGE_BYTES)
    if not text and code and spec["terminationMessagePolicy"] == "FallbackToLogsOnError" and log:
        text = log.tail(_FALLBACK_LINES, _FALLBACK_BYTES)
    return text.decode(errors="replace")


def policy_of(spec: Obj, record: ContainerRecord) -> str:
    """Return the restart policy of a container of a pod spec."""
    policy: str = spec.get("restartPolicy", "Always")
    if record.kind == "sidecar":
        return "Always"
    if record.kind == "init" and policy == "Always":
        return "OnFailure"
    return policy


def starts_again(policy: str, code: int) -> bool:
    """Return whether a container that ended so is started again."""
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def back_off_seconds(restarts: int) -> int:
    """Return how long to wait before the next start: not at all the first time."""
    return _BACK_OFF_SECONDS[min(restarts, len(_BACK_OFF_SECONDS) - 1)]

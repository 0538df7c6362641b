"""The embedded cluster as a process of the stack."""

from __future__ import annotations

import sys
from pathlib import Path

from gitlab_ci_provider.local.airflow.config import HELPER_IMAGE, HOST_IMAGE
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.process import Process, start


def start_cluster(home: Home, runtime: str, port: int) -> Process:
    """Start the cluster; it is ready when its kubeconfig is there.

    The helper image stands for this very Python environment. Nothing of the stack can be seen by
    jobs: its folder holds Airflow's keys and passwords, all logs, and what other jobs have left.
    """
    home.kubeconfig.unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "gitlab_ci_cluster"),
        *("--dir", str(home.cluster), "--hide", str(home.path)),
        *("--runtime", runtime, "--port", str(port)),
        *("--path-for-image", f"{HELPER_IMAGE}={Path(sys.executable).parent}"),
        *("--path-for-image", f"{HOST_IMAGE}=/usr/bin"),
    ]
    return start("cluster", command, environment={}, log=home.logs / "cluster.log")

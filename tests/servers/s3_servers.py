"""Every S3 server that tests can run: rclone, SeaweedFS, moto, and OpenStack Swift with `s3api`.

The programs of the last two are not dependencies of this project: `make test-s3` installs them into
a folder of their own, which `GITLAB_CI_TESTS_S3` names.
"""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from gitlab_ci_provider.model.object_store import StoreTarget
from processes.waiting import wait_until
from servers.address import free_port, listens
from servers.s3 import BUCKET, SECRET_KEY, s3_server
from servers.s3_client import s3_client
from servers.seaweed import seaweed

_SWIFT = """\
[DEFAULT]
devices = {root}/devices
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {root}
user = {user}
log_address = /dev/null
disable_fallocate = true
"""
_PROXY = """\
[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:cache]
paste.filter_factory = swift_cache:filter_factory
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""
_INSTALLATION = """\
[swift-hash]
swift_hash_path_suffix = tests
[storage-policy:0]
name = one
default = yes
"""
_PART = "[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
_RING = """\
import sys
from swift.common.ring import RingBuilder
name, port, root = sys.argv[1:]
builder = RingBuilder(4, 1, 0)
place = {"ip": "127.0.0.1", "port": int(port)}
copy = {f"replication_{key}": value for key, value in place.items()}
builder.add_dev(
    {"id": 0, "region": 1, "zone": 1, "device": "one", "weight": 1, "meta": "", **place, **copy}
)
builder.rebalance()
builder.get_ring().save(f"{root}/{name}.ring.gz")
"""
"""Run by Swift's Python: one device, one copy."""

_CACHE = '''\
"""Stands in for memcached, which Swift's login asks for; it forgets everything."""


class Cache:
    def get(self, *_, **__):
        return None

    def set(self, *_, **__):
        return None

    incr = decr = delete = set_multi = get_multi = set


def filter_factory(*_, **__):
    def make(app):
        def call(environ, start_response):
            environ["swift.cache"] = Cache()
            return app(environ, start_response)

        return call

    return make
'''


@contextmanager
def rclone(root: Path) -> Iterator[StoreTarget]:
    """Run the server of the embedded stack."""
    with s3_server(root) as server:
        yield server.target()


@contextmanager
def moto(root: Path) -> Iterator[StoreTarget]:
    """Run moto, which keeps objects in memory and accepts every login."""
    port = free_port()
    with _running([str(_programs() / "moto_server"), "-p", str(port)], port, root):
        yield _with_bucket(port, "tester")


@contextmanager
def swift(root: Path) -> Iterator[StoreTarget]:
    """Run Swift: its proxy with `s3api`, and one server for accounts, containers and objects."""
    (root / "devices" / "one").mkdir(parents=True)
    (root / "swift.conf").write_text(_INSTALLATION)
    (root / "swift_cache.py").write_text(_CACHE)
    with ExitStack() as stack:
        for name in ("account", "container", "object", "proxy"):
            port = free_port()
            part = _PROXY if name == "proxy" else _PART
            values = {"root": root, "port": port, "name": name, "secret": SECRET_KEY}
            settings = (_SWIFT + part).format(user=getpass.getuser(), **values)
            (root / f"{name}.conf").write_text(settings)
            if name != "proxy":
                ring = [str(_programs() / "python"), "-c", _RING, name, str(port), str(root)]
                subprocess.run(ring, check=True)
            program = [str(_programs() / f"swift-{name}-server"), str(root / f"{name}.conf")]
            stack.enter_context(_running(program, port, root))
        yield _with_bucket(port, "test:tester")


@contextmanager
def seaweedfs(root: Path) -> Iterator[StoreTarget]:
    """Run SeaweedFS, which compares versions."""
    with seaweed() as server:
        yield server.target()


SERVERS: dict[str, Callable[[Path], AbstractContextManager[StoreTarget]]] = {
    "rclone": rclone,
    "seaweedfs": seaweedfs,
    "moto": moto,
    "swift": swift,
}
"""Run a server with an empty bucket; those that are not installed skip the test."""


def _programs() -> Path:
    folder = os.environ.get("GITLAB_CI_TESTS_S3")
    if not folder:
        pytest.skip("`make test-s3` installs this server")
    return Path(folder, "bin")


@contextmanager
def _running(command: list[str], port: int, root: Path) -> Iterator[None]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    root.mkdir(parents=True, exist_ok=True)
    with (root / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until(
            lambda: process.poll() is not None or listens(port), f"{command[0]} on port {port}"
        )
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} did not start: {(root / 'log').read_text()}")
        yield
    finally:
        process.kill()
        process.wait()


def _with_bucket(port: int, user: str) -> StoreTarget:
    target = StoreTarget(
        bucket=BUCKET,
        endpoint_url=f"http://127.0.0.1:{port}",
        access_key=user,
        secret_key=SECRET_KEY,
    )
    s3_client(target).create_bucket(Bucket=target.bucket)
    return target

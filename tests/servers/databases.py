"""A real PostgreSQL and a real Redis, as Debian has them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes.waiting import wait_until

_DEBIAN = Path("/usr/lib/postgresql")


def why_not() -> str:
    """Say what is missing to run both; empty when nothing is."""
    if _postgres() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if shutil.which("redis-server") is None:
        return "Redis is not installed (apt-get install redis-server)"
    return ""


@contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL with a database; gives its URL for SQLAlchemy.

    It refuses to run as root, so there it runs as the user that Debian's package makes.
    """
    programs = _postgres()
    assert programs is not None
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgres-", dir="/tmp") as name:
        folder, port = Path(name), _free_port()
        if user:
            shutil.chown(folder, user)
        data = str(folder / "data")
        initdb = [str(programs / "initdb"), "-D", data, "-U", "airflow", "-A", "trust"]
        subprocess.run([*initdb, "--no-sync"], user=user, cwd="/", check=True, capture_output=True)
        options = ["-p", str(port), "-h", "127.0.0.1", "-k", name, "-c", "max_connections=300"]
        fast = ["-c", "fsync=off", "-c", "synchronous_commit=off"]
        command = [str(programs / "postgres"), "-D", data, *options, *fast]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, user=user, cwd="/", stdout=log, stderr=log)
        try:
            ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait_until(
                lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL", pause=0.1
            )
            create = ["createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "airflow", "airflow"]
            subprocess.run([str(programs / create[0]), *create[1:]], check=True)
            yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/airflow"
        finally:
            server.send_signal(signal.SIGINT)  # ends without waiting for clients
            server.wait()


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis; gives its URL."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        server = subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: _answers(port), "Redis", pause=0.1)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _postgres() -> Path | None:
    """Find the programs of the newest PostgreSQL; Debian keeps them out of PATH."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).parent if there else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

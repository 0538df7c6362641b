"""A real object store, and an installation whose objects are in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import State, open_state
from gitlab_ci_provider.storage.s3 import S3Store
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One server for all tests here; each has a prefix of its own."""
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> State:
    """The state of the installation."""
    return open_state(Settings(home=tmp_path / "home"))


@pytest.fixture
def shelf(server: S3Server, tmp_path: Path) -> S3Store:
    """Its objects."""
    return S3Store(server.target(prefix=f"{tmp_path.name}/"))


@pytest.fixture
def put(server: S3Server, tmp_path: Path) -> Callable[[str, bytes], None]:
    """Store an object of the installation."""
    return lambda key, data: server.put(f"{tmp_path.name}/{key}", data)


@pytest.fixture
def command(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Call `gitlab-dags` for the installation, in an empty folder."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    store = f"s3://{BUCKET}/{tmp_path.name}"
    where = ["--store", store, "--endpoint-url", server.target().endpoint_url]
    return lambda *given: main([*given, *where, "--home", str(tmp_path / "home")])

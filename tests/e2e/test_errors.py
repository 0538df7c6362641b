"""What goes wrong is said clearly, and nothing is lost."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository

IT_STARTS_ANOTHER = "it is about a stack with a cluster of its own"


def test_a_repository_without_a_pipeline(stack: Stack, tmp_path: Path):
    """A repository without `.gitlab-ci.yml` is named, with exit code 1."""
    repository = make_repository(tmp_path / "bare", {"README": "x"})

    done = stack.command("run", stack.address(repository))

    assert done.returncode == 1
    assert ".gitlab-ci.yml" in done.stderr
    assert "Traceback" not in done.stderr


def test_yaml_that_does_not_parse(stack: Stack, tmp_path: Path):
    """A syntax error has file, line and column."""
    repository = make_repository(tmp_path / "broken", {".gitlab-ci.yml": "job:\n  script: [a\n"})

    done = stack.command("run", stack.address(repository))

    assert done.returncode == 1
    assert ".gitlab-ci.yml:" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_ref(stack: Stack, tmp_path: Path):
    """An unknown ref is named."""
    repository = make_repository(tmp_path / "ref", {".gitlab-ci.yml": "job: {script: 'true'}\n"})

    done = stack.command("run", stack.address(repository), "--ref", "nope")

    assert done.returncode == 1
    assert "no branch, tag or commit id 'nope'" in done.stderr


def test_no_repository_at_all(stack: Stack, tmp_path: Path):
    """A folder that is not a repository is named."""
    done = stack.command("run", str(tmp_path))

    assert done.returncode == 1
    assert "not a git repository" in done.stderr


def test_an_unknown_job(stack: Stack, tmp_path: Path):
    """An unknown job is answered with the known ones."""
    repository = make_repository(tmp_path / "job", {".gitlab-ci.yml": "unit: {script: 'true'}\n"})

    done = stack.command("run", stack.address(repository), "--job", "unti")

    assert done.returncode == 1
    assert "unit" in done.stderr


@pytest.mark.embedded(IT_STARTS_ANOTHER)
def test_a_taken_port(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A port that was asked for and is taken is an error that names it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        alone = Stack(type(stack.home)(tmp_path / "other"), stack.api)

        done = alone.command("up", "--port", str(port))

    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr


def test_status_tells_where_things_are(stack: Stack):
    """`status` prints the address of the UI."""
    assert stack.api.url in stack.command("status").stdout


@pytest.mark.embedded(IT_STARTS_ANOTHER)
def test_files_of_the_repository_do_not_take_the_place_of_pythons(stack: Stack, tmp_path: Path):
    """A repository with a `json.py` at its top can be run from inside it."""
    files = {".gitlab-ci.yml": "job: {script: 'true'}\n", "json.py": "raise SystemExit('mine')\n"}
    repository = make_repository(tmp_path / "shadow", files)
    alone = Stack(type(stack.home)(tmp_path / "home"), stack.api)

    done = alone.command("run", ".", "--stop", cwd=repository)

    assert "pipeline passed" in done.stderr

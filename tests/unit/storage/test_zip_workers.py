"""Batches that processes of their own make."""

from __future__ import annotations

import os
import socket
import subprocess
import zipfile
from pathlib import Path

import pytest

from gitlab_ci_provider.storage import zip_workers
from gitlab_ci_provider.storage.archive import pack
from gitlab_ci_provider.storage.packing import Packing


@pytest.fixture(autouse=True)
def workers(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> list[subprocess.Popen[bytes]]:
    """Everything but the first share is given to two processes; these are they."""
    monkeypatch.setattr(zip_workers, "_ALONE", 0)
    monkeypatch.setattr(zip_workers, "_SHARE", 10)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return started


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    for number in range(100):
        (root / f"{number:03}").write_text(str(number))
    return root


def paths(project: Path) -> list[str]:
    return sorted(path.name for path in project.iterdir())


def have_ended(workers: list[subprocess.Popen[bytes]]) -> bool:
    return len(workers) == 2 and all(worker.returncode is not None for worker in workers)


def test_what_is_left_out_is_said(
    project: Path, tmp_path: Path, workers: list[subprocess.Popen[bytes]]
):
    """A worker's warnings come to the job's log, and its processes end with the archive."""
    said: list[str] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(project / "050.socket"))
        counts = pack(project, paths(project), tmp_path / "a.zip", warn=said.append)

    assert [line.partition(":")[0] for line in said] == ["050.socket"]
    assert counts.entries == 100
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert opened.namelist() == [f"{n:03}" for n in range(100)]
    assert have_ended(workers)


def test_the_error_is_that_of_the_file(
    project: Path, tmp_path: Path, workers: list[subprocess.Popen[bytes]]
):
    """As if it had been read here: kind, words and name."""
    names = [*paths(project)[:60], "gone", *paths(project)[60:]]

    with pytest.raises(FileNotFoundError, match="'gone'"):
        pack(project, names, tmp_path / "a.zip", warn=print)

    assert have_ended(workers)


def test_a_worker_that_is_killed_ends_the_packing(
    project: Path, tmp_path: Path, workers: list[subprocess.Popen[bytes]]
):
    """Its members must not be missing without a word."""
    for number in range(100):  # more than a worker may be ahead
        (project / f"{number:03}").write_bytes(os.urandom(200_000))
    packing = Packing(format="zip", scratch=tmp_path)
    batches = zip_workers.packed(project, paths(project), packing)
    while not workers:
        next(batches)
    for worker in workers:
        worker.kill()

    with pytest.raises(OSError, match="a process that packs files was ended"):
        list(batches)
    assert have_ended(workers)


def test_a_link_that_leads_out_is_not_followed(project: Path, tmp_path: Path):
    """A worker opens files as its parent does: never through a link."""
    (tmp_path / "secret").write_text("secret")
    (project / "folder").symlink_to(tmp_path)

    with pytest.raises(OSError, match="outside the project"):
        pack(project, [*paths(project), "folder/secret"], tmp_path / "a.zip", warn=print)


def test_modules_of_the_job_are_not_loaded(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A worker has the helper's rights: what lies in the current folder is not its code."""
    (project / "isal.py").write_text("raise SystemExit('loaded')")
    monkeypatch.chdir(project)

    pack(project, paths(project), tmp_path / "a.zip", warn=print)

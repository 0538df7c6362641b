"""Zip archives that several processes unpack."""

from __future__ import annotations

import os
import signal
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.storage import unzip_workers
from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.entry import ArchiveError

LARGE = os.urandom(1_500_000)


@pytest.fixture(autouse=True)
def workers(
    monkeypatch: pytest.MonkeyPatch, started: list[subprocess.Popen[bytes]]
) -> list[subprocess.Popen[bytes]]:
    """Any archive is given to two processes; these are they."""
    monkeypatch.setattr(unzip_workers, "_WORTH", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return started


def have_ended(workers: list[subprocess.Popen[bytes]]) -> bool:
    return len(workers) == 2 and all(worker.returncode is not None for worker in workers)


def archive_of(folder: Path, *more: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    """Make an archive of folders with files of all sizes, and more at its end."""
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(40):
            made.mkdir(f"d{number}", 0o555 if number == 7 else 0o755)
            made.writestr(f"d{number}/small", str(number) * number)
            made.writestr(f"d{number}/below/it", b"x")
        for number in range(4):
            made.writestr(f"large{number}", LARGE)
        for name, data in more:
            made.writestr(name, data)
    return path


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target.encode()


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def test_everything_comes_back(tmp_path: Path, workers: list[subprocess.Popen[bytes]]):
    """Each file once, by one of them; folders have their permissions in the end."""
    archive = archive_of(tmp_path, link("link", "d1/small"))
    told: list[str] = []

    count = unpack(archive, tmp_path / "to", wrote=told.append)

    with zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
        wanted = {info.filename: opened.read(info) for info in infos if not info.is_dir()}
    assert files(tmp_path / "to") == {**wanted, "link": b"1"}
    assert (tmp_path / "to" / "link").readlink() == Path("d1/small")
    assert (tmp_path / "to" / "d7").stat().st_mode & 0o777 == 0o555
    assert (count, told) == (len(infos), [info.filename.rstrip("/") for info in infos])
    assert have_ended(workers)


def test_nothing_new_stays_when_one_meets_a_broken_member(
    tmp_path: Path, workers: list[subprocess.Popen[bytes]]
):
    """Those that were well remove what they have written, too; what was there before stays."""
    archive = archive_of(tmp_path, ("broken", b"some text"))
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo("broken").header_offset + 30 + len("broken")
    data = bytearray(archive.read_bytes())
    data[at] ^= 0xFF
    archive.write_bytes(data)
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "mine").write_text("mine")

    with pytest.raises(ArchiveError, match="broken"):
        unpack(archive, tmp_path / "to")

    assert [path.name for path in (tmp_path / "to").rglob("*")] == ["mine"]
    assert have_ended(workers)


def test_nothing_is_written_outside(tmp_path: Path, workers: list[subprocess.Popen[bytes]]):
    """Through a link that is there already, whichever of them comes to it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "out").symlink_to("../outside")

    with pytest.raises(ArchiveError, match="refused"):
        unpack(archive_of(tmp_path, ("out/evil", b"evil")), tmp_path / "to")

    assert list((tmp_path / "outside").iterdir()) == []
    assert have_ended(workers)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "more",
    [
        [("d1/small", b"last")],
        [("d1/./small", b"last")],
        [("d1//small", b"last")],
        [("d1/below", b"last")],
        [link("out", "../outside"), ("out/evil", b"evil")],
        [link("out", "../outside"), ("out/more/evil", b"evil")],
        [("../evil", b"evil")],
    ],
)
def test_an_archive_whose_order_counts_is_unpacked_by_one_process(
    tmp_path: Path, more: list[Any], workers: list[subprocess.Popen[bytes]]
):
    """A path twice, also written otherwise, or a file in place of a folder: the last one counts."""
    archive = archive_of(tmp_path, *more)

    with suppress(ArchiveError):
        unpack(archive, tmp_path / "to")
        assert b"last" in files(tmp_path / "to").values()

    assert not (tmp_path / "evil").exists()
    assert workers == []


def test_a_worker_that_is_killed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: list[subprocess.Popen[bytes]]
):
    """What it has written is not taken for the whole: it is removed for it."""
    well = unzip_workers._Worker.refuse_unless_well

    def kill(worker: unzip_workers._Worker) -> None:
        if worker._process is workers[0] and worker._process.poll() is None:
            well(worker)
            assert len(files(tmp_path / "to")) > 20
            worker._process.send_signal(signal.SIGKILL)
        well(worker)

    monkeypatch.setattr(unzip_workers._Worker, "refuse_unless_well", kill)

    with pytest.raises(OSError, match="a process that unpacks files was ended"):
        unpack(archive_of(tmp_path), tmp_path / "to")
    assert files(tmp_path / "to") == {}
    assert have_ended(workers)


def test_a_worker_that_had_not_begun_has_nothing_to_remove(tmp_path: Path):
    """What somebody else has written a moment ago is theirs, though the archive has it, too."""
    archive, target = archive_of(tmp_path), tmp_path / "to"
    (target / "d1").mkdir(parents=True)
    (target / "d1" / "small").write_text("mine")
    with (
        archive.open("rb") as file,
        unzip_workers._Worker(file.fileno(), target, "0/1") as worker,
    ):
        worker._process.kill()

    assert files(target) == {"d1/small": b"mine"}


def test_workers_of_a_process_that_is_gone_leave_nothing(tmp_path: Path):
    """As when the container is killed: they hear nothing more, and remove what they wrote."""
    archive = archive_of(tmp_path)
    target = tmp_path / "to"
    target.mkdir()
    with archive.open("rb") as file:
        worker = unzip_workers._Worker(file.fileno(), target, "0/1")
        worker.tell(b"g")
        worker.refuse_unless_well()
        assert len(files(target)) > 80

        worker._input.close()
        worker._process.wait()

    assert files(target) == {}

"""Archives there and back, in both formats."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.storage.archive import pack, unpack
from gitlab_ci_provider.storage.entry import ArchiveError
from gitlab_ci_provider.storage.members import find_members

FORMATS = ("artifacts.zip", "cache.tar.zst")
MOMENT = 1_700_000_001


@pytest.fixture(params=FORMATS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where each format's archive goes, in turn."""
    return tmp_path / request.param


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working copy with one of everything."""
    root = tmp_path / "project"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "tool").write_bytes(os.urandom(100_000))
    (root / "bin" / "tool").chmod(0o755)
    (root / "empty").mkdir()
    (root / "file ü").write_text("text")
    (root / "link").symlink_to("bin/tool")
    (root / "dangling").symlink_to("/does/not/exist")
    (root / "private").write_text("key")
    (root / "private").chmod(0o600)
    for path in root.rglob("*"):
        os.utime(path, (MOMENT, MOMENT), follow_symlinks=False)
    return root


def warn(text: str) -> None:
    """Fail: nothing is to be warned about."""
    raise AssertionError(text)


def there_and_back(project: Path, archive: Path, *patterns: str) -> Path:
    """Pack what patterns name and unpack it into a new folder."""
    target = archive.parent / "target"
    target.mkdir()
    pack(project, find_members(project, patterns or ["."]).paths, archive, warn=warn)
    unpack(archive, target)
    return target


def snapshot(root: Path) -> dict[str, tuple[int, float, bytes]]:
    """Describe all that is below a folder: mode, time, contents or target."""
    found: dict[str, tuple[int, float, bytes]] = {}
    for path in sorted(root.rglob("*")):
        seen = path.lstat()
        contents = str(path.readlink()).encode() if path.is_symlink() else b""
        if stat.S_ISREG(seen.st_mode):
            contents = path.read_bytes()
        time = 0 if path.is_symlink() else int(seen.st_mtime)
        found[str(path.relative_to(root))] = (seen.st_mode, time, contents)
    return found


def test_everything_comes_back_as_it_was(project: Path, archive: Path):
    """Contents, modes, times, links and empty folders."""
    assert snapshot(there_and_back(project, archive)) == snapshot(project)


@pytest.mark.parametrize("moment", [0, 1, -86_400, 2**31 - 1])
def test_odd_times_come_back(project: Path, archive: Path, moment: int):
    """Builds that are reproducible give their files the beginning of 1970."""
    os.utime(project / "private", (moment, moment))

    target = there_and_back(project, archive, "private")

    assert (target / "private").stat().st_mtime == moment


def test_owners_come_back(project: Path, archive: Path):
    """A job that runs as another user finds its files as its own, when the helper is root."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(project / "private", 12345, 54321)
    os.chown(project / "empty", 12345, 54321)

    target = there_and_back(project, archive)

    assert [(target / name).stat().st_uid for name in ("private", "empty")] == [12345] * 2
    assert (target / "private").stat().st_gid == 54321


def test_contents_are_in_order(project: Path, archive: Path):
    """The same files make the same archive, entry by entry."""
    paths = find_members(project, ["."]).paths

    packed = pack(project, paths, archive, warn=warn)
    names: list[str] = []
    unpack(archive, archive.parent / "target", wrote=names.append)

    assert tuple(names) == paths
    assert packed == (len(paths), len(paths) - 2)  # folders are no files


def test_the_same_files_make_the_same_bytes(project: Path, tmp_path: Path):
    """So a cache that did not change is the same object."""
    archive, paths = tmp_path / "cache.tar.zst", find_members(project, ["."]).paths
    pack(project, paths, archive, warn=warn)
    first = archive.read_bytes()
    pack(project, paths, archive, warn=warn)

    assert archive.read_bytes() == first


def test_what_is_there_is_replaced(project: Path, archive: Path):
    """Artifacts overwrite files of the repository, and never write through a link of it."""
    target = archive.parent / "target"
    target.mkdir()
    outside = archive.parent / "outside"
    outside.write_text("untouched")
    (target / "private").symlink_to(outside)
    (target / "link").mkdir()
    (target / "bin").mkdir(mode=0o700)
    pack(project, find_members(project, ["."]).paths, archive, warn=warn)

    unpack(archive, target)

    assert snapshot(target) == snapshot(project)
    assert outside.read_text() == "untouched"


def test_a_folder_without_write_permission_is_filled_first(project: Path, archive: Path):
    """Go's module cache is made of such folders."""
    (project / "bin").chmod(0o555)

    target = there_and_back(project, archive, "bin")

    assert (target / "bin" / "tool").exists()
    assert stat.S_IMODE((target / "bin").stat().st_mode) == 0o555
    (target / "bin").chmod(0o755)


def test_set_user_id_is_not_given_back(project: Path, archive: Path):
    """An archive must not hand out root's rights."""
    (project / "bin" / "tool").chmod(0o4755)

    target = there_and_back(project, archive, "bin/tool")

    assert stat.S_IMODE((target / "bin" / "tool").stat().st_mode) == 0o755


def test_sockets_and_pipes_are_left_out_with_a_warning(project: Path, archive: Path):
    """They mean nothing elsewhere; a pipe must not be waited for either."""
    os.mkfifo(project / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(project / "socket"))
    warnings: list[str] = []

    packed = pack(project, ["pipe", "private", "socket"], archive, warn=warnings.append)

    assert packed == (1, 1)
    assert [line.split(":")[0] for line in warnings] == ["pipe", "socket"]


def test_a_link_put_in_place_of_a_folder_is_not_followed(project: Path, archive: Path):
    """Between finding and reading, a process of the job may still change the working copy."""
    outside = archive.parent / "outside"
    outside.mkdir()
    (outside / "tool").write_text("secret")
    paths = find_members(project, ["bin/tool"]).paths
    (project / "bin" / "tool").unlink()
    (project / "bin").rmdir()
    (project / "bin").symlink_to(outside)

    with pytest.raises(PermissionError, match="leads outside the project"):
        pack(project, paths, archive, warn=warn)


@pytest.mark.parametrize("size", [1, 3_000_000])
def test_names_that_are_no_text(project: Path, archive: Path, size: int):
    """The bytes of a name come back, whatever they mean."""
    (project / os.fsdecode(b"bad-\xff")).mkdir()
    name = os.fsdecode(b"bad-\xff/caf\xe9")
    (project / name).write_bytes(bytes(size))

    target = there_and_back(project, archive, "bad*")

    assert (target / name).read_bytes() == bytes(size)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    files=st.dictionaries(
        st.text("abcü .", min_size=1, max_size=6).filter(lambda name: name.strip(".")),
        st.binary(max_size=200),
        max_size=6,
    )
)
@pytest.mark.parametrize("name", FORMATS)
def test_any_files_come_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, files: dict[str, bytes]
):
    """Whatever they are called and hold."""
    folder = tmp_path_factory.mktemp("any")
    project = folder / "project"
    project.mkdir()
    for file, contents in files.items():
        (project / file).write_bytes(contents)

    target = there_and_back(project, folder / name, *sorted(files))

    assert {path.name: path.read_bytes() for path in target.iterdir()} == files


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("damage", ["empty", "text", "half", "flipped"])
def test_a_damaged_archive_is_refused(project: Path, tmp_path: Path, name: str, damage: str):
    """With an error of ours, which a cache survives and an artifact names; no part of it stays."""
    archive, target = tmp_path / name, tmp_path / "target"
    target.mkdir()
    pack(project, find_members(project, ["."]).paths, archive, warn=warn)
    whole = archive.read_bytes()
    middle = len(whole) // 2
    flipped = bytes(byte ^ 0xFF for byte in whole[middle : middle + 50])
    archive.write_bytes(
        {
            "empty": b"",
            "text": b"<html>not found</html>",
            "half": whole[:middle],
            "flipped": whole[:middle] + flipped + whole[middle + 50 :],
        }[damage]
    )

    with pytest.raises(ArchiveError, match="broken"):
        unpack(archive, target)
    assert list(target.iterdir()) == []


def test_other_programs_can_open_the_zip(project: Path, tmp_path: Path):
    """Artifacts are for people: Python's zipfile finds nothing wrong, names and modes are there."""
    archive = tmp_path / "artifacts.zip"
    pack(project, find_members(project, ["."]).paths, archive, warn=warn)

    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        tool = opened.getinfo("bin/tool")
        assert stat.filemode(tool.external_attr >> 16) == "-rwxr-xr-x"
        assert opened.getinfo("empty/").is_dir()


def test_what_does_not_shrink_is_stored(project: Path, tmp_path: Path):
    """Compressing random bytes takes long and gains nothing; text shrinks."""
    archive = tmp_path / "artifacts.zip"
    (project / "text").write_text("text " * 1000)
    pack(project, ["bin/tool", "text"], archive, warn=warn)

    with zipfile.ZipFile(archive) as opened:
        assert opened.getinfo("bin/tool").compress_type == zipfile.ZIP_STORED
        assert opened.getinfo("text").compress_type == zipfile.ZIP_DEFLATED


def test_other_programs_can_open_the_tar(project: Path, tmp_path: Path):
    """A cache can be looked into with `tar --zstd`."""
    archive = tmp_path / "cache.tar.zst"
    pack(project, find_members(project, ["."]).paths, archive, warn=warn)

    listed = subprocess.run(
        ["tar", "--zstd", "-tf", archive], capture_output=True, text=True, check=False
    )

    if "zstd" in listed.stderr:
        pytest.skip("tar on this machine knows no zstd")
    assert "bin/tool" in listed.stdout.splitlines()

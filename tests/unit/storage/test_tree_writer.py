"""Archives that want to write where they must not."""

from __future__ import annotations

import io
import resource
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard

from gitlab_ci_provider.storage.archive import unpack
from gitlab_ci_provider.storage.entry import ArchiveError, Entry
from gitlab_ci_provider.storage.tree_writer import TreeWriter


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder to write in, next to one that is forbidden."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def file(path: str) -> tuple[Entry, io.BytesIO]:
    """Make a file's entry."""
    return Entry(path=path, mode=stat.S_IFREG | 0o644, size=4), io.BytesIO(b"evil")


def link(path: str, target: str) -> tuple[Entry, None]:
    """Make a link's entry."""
    return Entry(path=path, mode=stat.S_IFLNK | 0o777, target=target), None


def folder(path: str, mode: int = 0o755) -> tuple[Entry, None]:
    """Make a folder's entry."""
    return Entry(path=path, mode=stat.S_IFDIR | mode), None


def write(root: Path, *entries: tuple[Entry, io.BytesIO | None]) -> None:
    """Write entries as an archive would."""
    with TreeWriter(root) as writer:
        for entry, contents in entries:
            writer.write(entry, contents)


def test_a_link_to_nowhere_is_refused(root: Path):
    """The system would only say that there is no such file."""
    with pytest.raises(ArchiveError, match="refused: the link 'b' leads nowhere"):
        write(root, link("b", ""))


@pytest.mark.parametrize(
    "path", ["../evil", "a/../../evil", "/evil", "..", "", ".", "a\0b", "a/..", "./../evil"]
)
def test_paths_out_of_the_folder_are_refused(root: Path, path: str):
    """Absolute ones, and any with `..`."""
    with pytest.raises(ArchiveError, match="refused"):
        write(root, file(path))

    assert list((root.parent / "outside").iterdir()) == []
    assert not (root.parent / "evil").exists()


@pytest.mark.parametrize("target", ["../outside", "/tmp", "sub/../../outside"])
def test_nothing_is_written_through_a_link_of_the_archive(root: Path, target: str):
    """The link itself may be there, as those of virtual environments are."""
    with pytest.raises(ArchiveError, match="through a link"):
        write(root, link("door", target), file("door/evil"))

    assert list((root.parent / "outside").iterdir()) == []


def test_nothing_is_written_through_a_link_of_the_repository(root: Path):
    """The commit may hold a link to anywhere as well."""
    (root / "door").symlink_to(root.parent / "outside")

    with pytest.raises(ArchiveError, match="through a link"):
        write(root, file("door/evil"))


def test_nothing_is_written_through_links_of_links(root: Path):
    """However many there are."""
    with pytest.raises(ArchiveError, match="through a link"):
        write(root, link("a", ".."), link("b", "a/outside"), file("b/evil"))


def test_a_link_that_replaces_a_folder_is_noticed(root: Path):
    """A folder that was safe once is looked at again."""
    with pytest.raises(ArchiveError, match="through a link"):
        write(root, file("sub/fine"), link("sub", "../outside"), file("sub/evil"))

    assert list((root.parent / "outside").iterdir()) == []


def test_a_file_replaces_a_link(root: Path):
    """The link's target stays as it is."""
    outside = root.parent / "outside" / "file"
    outside.write_text("good")

    write(root, link("name", "../outside/file"), file("name"))

    assert outside.read_text() == "good"
    assert not (root / "name").is_symlink()


def test_a_folder_replaces_a_link_that_leads_out(root: Path):
    """A folder's entry for the name of such a link makes a real folder."""
    (root / "door").symlink_to(root.parent / "outside")

    write(root, folder("door"), file("door/fine"))

    assert list((root.parent / "outside").iterdir()) == []
    assert (root / "door" / "fine").exists()


def test_a_folder_keeps_a_link_inside(root: Path):
    """A link to another folder of the project is as good as a folder."""
    (root / "real").mkdir()
    (root / "door").symlink_to("real")

    write(root, folder("door"), file("door/fine"))

    assert (root / "real" / "fine").exists()


def test_permissions_are_not_changed_through_a_link(root: Path):
    """A folder's permissions come last; by then a link may stand there."""
    outside = root.parent / "outside"
    before = outside.stat().st_mode

    write(root, folder("name", 0o000), link("name", str(outside)))

    assert outside.stat().st_mode == before


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, 0])
def test_special_files_are_refused(root: Path, kind: int):
    """Devices and pipes come in no archive of ours."""
    with pytest.raises(ArchiveError, match="neither a file, a directory nor a symbolic link"):
        write(root, (Entry(path="device", mode=kind | 0o666), None))


def test_hard_links_in_a_tar_are_refused(root: Path, tmp_path: Path):
    """One could give a new name to a file outside."""
    archive = tmp_path / "cache.tar.zst"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        info = tarfile.TarInfo("hard")
        info.type, info.linkname = tarfile.LNKTYPE, "/etc/passwd"
        tar.addfile(info)
    archive.write_bytes(zstandard.compress(plain.getvalue()))

    with pytest.raises(ArchiveError, match="refused: hard"):
        unpack(archive, root)


def test_a_zip_with_a_path_out_is_refused(root: Path, tmp_path: Path):
    """Made by hand: our own never hold one."""
    archive = tmp_path / "artifacts.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("../evil", "evil")

    with pytest.raises(ArchiveError, match=r"refused: the archive wants to write '\.\./evil'"):
        unpack(archive, root)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_entries_with_one_name_the_last_counts_and_none_escapes(root: Path, tmp_path: Path):
    """A name may come as a link first, and as a file to be written through it then."""
    outside = root.parent / "outside" / "target"
    outside.write_text("kept")
    archive = tmp_path / "artifacts.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("same", "first")
        info = zipfile.ZipInfo("same")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, str(outside))
        made.writestr("same", "last")

    unpack(archive, root)

    assert (root / "same").read_text() == "last"
    assert not (root / "same").is_symlink()
    assert outside.read_text() == "kept"


def test_a_zip_without_unix_modes_is_read(root: Path, tmp_path: Path):
    """Such as one made on Windows."""
    archive = tmp_path / "artifacts.zip"
    with zipfile.ZipFile(archive, "w") as made:
        info = zipfile.ZipInfo("file")
        info.create_system, info.external_attr = 0, 0x20
        made.writestr(info, "text")

    unpack(archive, root)

    assert (root / "file").read_text() == "text"
    assert stat.S_IMODE((root / "file").stat().st_mode) == 0o644


def test_a_tar_that_wants_much_memory_is_refused(root: Path, tmp_path: Path):
    """The window of the compression is bounded, so memory is too."""
    archive = tmp_path / "cache.tar.zst"
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    stream = compressor.compressobj()
    archive.write_bytes(stream.compress(b"\0" * 1024) + stream.flush())

    with pytest.raises(ArchiveError, match="broken"):
        unpack(archive, root)


def test_nothing_new_stays_when_the_disk_is_full(root: Path):
    """A job that goes on without its cache must not take a part for the whole."""
    (root / "before").write_text("kept")
    whole = Entry(path="whole", mode=stat.S_IFREG | 0o644, size=4), io.BytesIO(b"good")
    big = Entry(path="big", mode=stat.S_IFREG | 0o644, size=1 << 20), io.BytesIO(bytes(1 << 20))

    with no_room_after(1 << 16), pytest.raises(OSError, match="too large"):
        write(root, whole, big)

    assert [path.name for path in root.iterdir()] == ["before"]


def test_after_a_refusal_only_what_was_there_before_is_there(root: Path):
    """Also links and nested folders; a folder of the repository keeps its own files."""
    (root / "kept").mkdir()
    (root / "kept" / "mine").write_text("mine")

    with pytest.raises(ArchiveError):
        write(
            root,
            *(
                folder("kept"),
                file("kept/new"),
                folder("sub"),
                folder("sub/deep"),
                file("sub/deep/x"),
            ),
            *(link("sub/link", "/tmp"), file("../evil")),
        )

    assert sorted(str(path.relative_to(root)) for path in root.rglob("*")) == ["kept", "kept/mine"]


def test_removing_what_is_new_does_not_follow_links(root: Path):
    """The last entries may have put a link in the place of a folder."""
    outside = root.parent / "outside" / "file"
    outside.write_text("good")

    with pytest.raises(ArchiveError):
        write(root, folder("door"), file("door/file"), link("door", "../outside"), file("/evil"))

    assert outside.read_text() == "good"


@contextmanager
def no_room_after(size: int) -> Iterator[None]:
    """Have writing fail in files that become larger, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

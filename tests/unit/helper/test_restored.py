"""Caches that did not change are not uploaded again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.archive_cache import archive_caches
from gitlab_ci_provider.helper.phases.restore_cache import restore_cache
from gitlab_ci_provider.model.plan import CacheArchive, CacheRestore
from processes.phases import FolderStore, make_context

KEY = "c/main.tar.zst"
CACHE = CacheArchive(name="main", object_key=KEY, paths=("deps/",))
RESTORE = CacheRestore(name="main", object_keys=(KEY, "c/other.tar.zst"))


@pytest.fixture
def context(tmp_path: Path) -> PhaseContext:
    """A job whose cache is in the store and nowhere else."""
    context = make_context(tmp_path, restores=(RESTORE,), archives=(CACHE,))
    deps = context.project_dir / "deps"
    (deps / "sub").mkdir(parents=True)
    (deps / "sub" / "file").write_text("text")
    (deps / "bad-\udcff").write_text("text")
    (deps / "link").symlink_to("sub")
    archive_caches(context, (CACHE,))
    for path in (deps / "sub" / "file", deps / "bad-\udcff", deps / "link"):
        path.unlink()
    (deps / "sub").rmdir()
    deps.rmdir()
    return context


def saves_again(context: PhaseContext) -> bool:
    """Remove the object and let the job save: whether it is there again."""
    store = FolderStore(context.control.parent / "objects")
    (store.folder / KEY).unlink(missing_ok=True)
    archive_caches(context, (CACHE,))
    return (store.folder / KEY).exists()


def test_what_was_restored_and_not_touched_is_not_saved(
    context: PhaseContext, capfd: pytest.CaptureFixture[str]
):
    """The log says why."""
    restore_cache(context)

    assert not saves_again(context)
    assert "has not changed" in capfd.readouterr().out


def edit(deps: Path) -> None:
    """Other contents of the same length, with the times of the old ones."""
    file = deps / "sub" / "file"
    before = file.stat()
    while file.stat().st_ctime_ns == before.st_ctime_ns:  # its clock is coarse
        file.write_text("TEXT")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchange(deps: Path) -> None:
    """A link to somewhere else."""
    (deps / "link").unlink()
    (deps / "link").symlink_to("els")


@pytest.mark.parametrize(
    "change",
    [
        edit,
        exchange,
        lambda deps: (deps / "new").write_text(""),
        lambda deps: (deps / "sub" / "file").unlink(),
        lambda deps: (deps / "sub" / "file").chmod(0o600),
        lambda deps: (deps / "sub").rename(deps / "bus"),
    ],
)
def test_any_change_is_saved(context: PhaseContext, change: Callable[[Path], object]):
    """Whatever a program does to hide it."""
    restore_cache(context)
    change(context.project_dir / "deps")

    assert saves_again(context)


def test_what_another_phase_has_written_is_a_change(context: PhaseContext):
    """Artifacts of earlier jobs come after caches, and may overwrite them."""
    restore_cache(context)
    file = context.project_dir / "deps" / "sub" / "file"
    file.unlink()
    file.write_text("text")

    assert saves_again(context)


def test_a_cache_of_a_fallback_key_is_saved(context: PhaseContext):
    """It is not yet in the store under its own key."""
    objects = context.control.parent / "objects"
    (objects / KEY).rename(objects / "c/other.tar.zst")
    restore_cache(context)

    assert saves_again(context)


def test_an_object_of_yesterday_is_replaced(context: PhaseContext):
    """Buckets delete what is old; what is used every day must not become old."""
    yesterday = (context.control.parent / "objects" / KEY).stat().st_mtime - 25 * 3600
    os.utime(context.control.parent / "objects" / KEY, (yesterday, yesterday))
    restore_cache(context)

    assert saves_again(context)


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_forged_note_does_not_hold_up_the_job(
    context: PhaseContext, make: Callable[[Path], object]
):
    """The folder of the notes is the job's, too."""
    restore_cache(context)
    (note,) = context.control.glob("restored-*")
    note.unlink()
    make(note)

    assert saves_again(context)

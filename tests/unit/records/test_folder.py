"""State in a folder that several processes use at the same time, and die with."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.records.folder import FolderStore

PROCESSES = 4
SIZE = 300_000


def _create_all(place: tuple[Path, int]) -> list[int]:
    folder, worker = place
    store, data = FolderStore(folder), str(worker).encode()
    return [number for number in range(100) if store.create(f"once/{number}", data)]


def test_of_several_processes_one_creates_a_key(tmp_path: Path):
    """Everybody else is told so, and finds what the winner has stored."""
    places = [(tmp_path, worker) for worker in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        won = list(pool.map(_create_all, places))

    assert sorted(number for numbers in won for number in numbers) == list(range(100))
    store = FolderStore(tmp_path)
    for worker, numbers in enumerate(won):
        assert all(store.read(f"once/{number}") == str(worker).encode() for number in numbers)


def _count(folder: Path) -> None:
    store = FolderStore(folder)
    for _ in range(100):
        store.update("count", lambda data: str(int(data or b"0") + 1).encode())


def test_no_process_loses_the_update_of_another(tmp_path: Path):
    """Four processes count to a hundred each."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(_count, [tmp_path] * PROCESSES))

    assert FolderStore(tmp_path).read("count") == b"400"


def _replace(place: tuple[Path, int]) -> set[tuple[int, int]]:
    """Replace two values again and again; give the lengths and numbers of letters that are read."""
    folder, worker = place
    store, data = FolderStore(folder), bytes([worker + 65]) * SIZE
    seen: set[tuple[int, int]] = set()
    for _ in range(50):
        store.write("written", data)
        store.update("updated", lambda _: data)
        for key in ("written", "updated"):
            found = store.read(key) or b""
            seen.add((len(found), len(set(found))))
    return seen


def test_nobody_reads_half_a_value(tmp_path: Path):
    """What is read is what one process has written, from the first byte to the last."""
    places = [(tmp_path, worker) for worker in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        seen = set().union(*pool.map(_replace, places))

    assert seen == {(SIZE, 1)}


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _killed(work: Callable[[FolderStore], None], folder: Path) -> None:
    """Do something in a process of its own that is killed within it."""

    def run() -> None:
        os.link = _die
        Path.replace = _die  # type: ignore[method-assign,assignment]
        work(FolderStore(folder))

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


KILLED: dict[str, Callable[[FolderStore], object]] = {
    "create": lambda store: store.create("new", b"new"),
    "write": lambda store: store.write("old", b"new"),
    "update": lambda store: store.update("old", lambda _: b"new"),
    "update of nothing": lambda store: store.update("new", lambda _: b"new"),
    "change": lambda store: store.update("old", _die),
}


@pytest.mark.parametrize("work", KILLED.values(), ids=KILLED)
def test_a_killed_process_leaves_no_record_and_no_lock(
    work: Callable[[FolderStore], None], tmp_path: Path
):
    """It dies right before its value would appear: everything is as before, for everybody."""
    store = FolderStore(tmp_path)
    store.create("old", b"old")

    _killed(work, tmp_path)

    assert list(store.keys("")) == ["old"]
    assert store.read("old") == b"old"
    assert store.read("new") is None
    assert store.update("old", lambda data: (data or b"") + b"er") == b"older"
    assert store.create("new", b"1")


def test_a_link_whose_answer_was_lost_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """NFS repeats a request without an answer, and the repeated one finds the name taken."""
    link = os.link

    def repeated(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", repeated)

    assert FolderStore(tmp_path).create("a", b"1")
    assert not FolderStore(tmp_path).create("a", b"2")


@pytest.mark.parametrize("key", ["", "/etc/x", "../x", "a/../../x", "a//b", ".hidden", "a/", "ä"])
def test_no_key_leaves_the_folder(key: str, tmp_path: Path):
    """A key may come from an XCom, which people can write."""
    store = FolderStore(tmp_path / "state")
    for work in (store.read, store.delete, lambda key: store.create(key, b"1")):
        with pytest.raises(StateError, match="cannot be the key"):
            work(key)

    assert list(store.keys(key)) == []
    assert list(tmp_path.iterdir()) == []


def test_other_files_in_the_folder_are_no_records(tmp_path: Path):
    """Unfinished files, locks and what editors leave are not listed."""
    store = FolderStore(tmp_path)
    store.update("a/b", lambda _: b"1")
    for name in (".new-1", "b~", "#b#"):
        (tmp_path / "a" / name).write_text("x")

    assert list(store.keys("")) == ["a/b"]


def test_a_folder_that_cannot_be_used_is_an_error_in_words(tmp_path: Path):
    """It names the file and what the system says."""
    (tmp_path / "file").write_text("x")
    store = FolderStore(tmp_path / "file")

    with pytest.raises(StateError, match=r"state at .*/file.*cannot be read or written"):
        store.write("a", b"1")


def test_looking_creates_nothing(tmp_path: Path):
    """Where the state is not reachable, nobody leaves an empty one."""
    store = FolderStore(tmp_path / "state")
    store.read("a")
    store.delete("a")
    list(store.keys("a/"))

    assert not (tmp_path / "state").exists()


def test_unfinished_files_are_swept_after_a_day(tmp_path: Path):
    """Those of killed processes; one that is just being written stays."""
    store = FolderStore(tmp_path)
    store.create("a/b", b"1")
    old, young = tmp_path / "a" / ".new-1", tmp_path / ".new-2"
    old.write_text("x")
    young.write_text("x")
    os.utime(old, (1, 1))

    assert store.sweep() == 1

    assert (old.exists(), young.exists()) == (False, True)
    assert store.read("a/b") == b"1"


def test_an_empty_file_of_a_machine_that_lost_its_power_is_no_value(tmp_path: Path):
    """It is made anew: else a pipeline would be damaged for ever, since its key is its digest."""
    store = FolderStore(tmp_path)
    for key in ("created", "updated", "written"):
        (tmp_path / key).touch()

    assert store.read("created") is None
    assert store.create("created", b"1")
    assert not store.create("created", b"2")
    assert store.update("updated", lambda before: before or b"1") == b"1"
    store.write("written", b"1")
    assert [store.read(key) for key in ("created", "updated", "written")] == [b"1"] * 3

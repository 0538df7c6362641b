"""Waiting for a change of files instead of asking a database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gitlab_ci_provider.local.airflow.changes import Changes, announce, database_changes


def never(_seconds: float) -> None:
    """Stand for a sleep that must not happen twice."""
    raise AssertionError("it waits although something has changed")


def once(do: Callable[[], object] = lambda: None) -> Callable[[float], None]:
    """Sleep once, during which something happens."""
    left = [do]

    def sleep(seconds: float) -> None:
        (left.pop() if left else lambda: never(seconds))()

    return sleep


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only the test moves."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_what_is_announced_ends_the_wait(tmp_path: Path):
    """A task that has ended, or a person who has done something, is noticed at once."""
    path = tmp_path / "airflow.db"
    changes = database_changes(path, longest=600)
    changes.wait(once(lambda: announce(path)))

    assert changes.wait(once(lambda: announce(path)))


def test_each_commit_of_another_process_is_seen_after_a_second(tmp_path: Path, now: list[float]):
    """A database in WAL mode changes its log with each commit: no need to ask it."""
    path = tmp_path / "airflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE runs (id)")
        database.commit()
        changes = database_changes(path, longest=600)
        announce(path)
        changes.wait(once())
        database.execute("INSERT INTO runs VALUES (1)")
        database.commit()

        def sleep(seconds: float) -> None:
            now[0] += seconds

        while not changes.wait(sleep):
            pass

    assert 1 <= now[0] < 3


def test_reading_is_no_change(tmp_path: Path):
    """Reading the database wakes nobody."""
    path = tmp_path / "airflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE runs (id)")
        database.commit()
        changes = database_changes(path, longest=0)
        changes.wait()

        assert not changes.wait(lambda _: database.execute("SELECT * FROM runs").fetchall())


def test_what_changed_between_two_waits_is_not_missed(tmp_path: Path):
    """A change while the loop turned, after it has looked at the database, ends the next wait."""
    file = tmp_path / "file"
    changes = Changes((file,), longest=600)
    changes.wait(once(lambda: file.write_text("1")))
    file.write_text("22")

    assert changes.wait(once())


def test_a_condition_ends_the_wait(tmp_path: Path):
    """A worker that has ended is heard of although no file has changed."""
    changes = Changes((tmp_path / "file",), longest=600)
    changes.wait(once(), until=lambda: True)

    assert changes.wait(once(), until=lambda: True)


def test_waiting_becomes_longer_up_to_a_limit(tmp_path: Path, now: list[float]):
    """An idle stack looks more and more rarely, and soon again after a change."""
    changes = Changes((tmp_path / "file",), longest=5)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    changes.wait(sleep)
    waits = []
    for _ in range(40):
        before = now[0]
        changes.wait(sleep)
        waits.append(round(now[0] - before, 3))

    assert waits[0] <= 0.8
    assert waits[:10] == sorted(waits[:10])
    assert all(4.9 <= seconds <= 5.3 for seconds in waits[-10:])
    (tmp_path / "file").write_text("x")
    changes.wait(sleep)
    before = now[0]
    changes.wait(sleep)
    assert now[0] - before <= 0.8

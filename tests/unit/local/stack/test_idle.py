"""A stack that nobody uses ends by itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.use import Idleness, attached, write_idle_minutes


class Clock:
    """Says what the test wants."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.make()
    write_idle_minutes(home, 1)
    _set_run(home, "success")
    return home


def _set_run(home: Home, state: str, *tasks: str) -> None:
    with closing(sqlite3.connect(home.airflow / "airflow.db")) as database:
        database.execute("DROP TABLE IF EXISTS dag_run")
        database.execute("DROP TABLE IF EXISTS task_instance")
        database.execute("CREATE TABLE dag_run (dag_id, run_id, state)")
        database.execute("CREATE TABLE task_instance (dag_id, run_id, state)")
        database.execute("INSERT INTO dag_run VALUES ('d', 'r', ?)", [state])
        rows = [(task,) for task in tasks]
        database.executemany("INSERT INTO task_instance VALUES ('d', 'r', ?)", rows)
        database.commit()


def _idle_after(home: Home, clock: Clock, seconds: float) -> bool:
    idleness = Idleness(home, clock=clock)
    clock.now += seconds
    return idleness.is_over()


def test_unused_for_long_enough(home: Home):
    """Nothing was asked, nothing runs, no command is there: it ends, but not a moment earlier."""
    assert not _idle_after(home, Clock(), 59)
    assert _idle_after(home, Clock(), 60)


def test_a_stack_that_never_ends(home: Home):
    """No time given: it stays up."""
    clock = Clock()
    idleness = Idleness(home, clock=clock)
    write_idle_minutes(home, 0)
    clock.now = 1e9

    assert not idleness.is_over()


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_open_run_is_use(home: Home, state: str):
    """A pipeline that nobody watches runs to its end."""
    _set_run(home, state, "success", "running")

    assert not _idle_after(home, Clock(), 3600)


def test_a_run_that_waits_for_a_person_is_no_use(home: Home):
    """Nobody plays a manual job for so long: the stack ends, the run goes on with the next one."""
    _set_run(home, "running", "success", "awaiting_input")

    assert _idle_after(home, Clock(), 3600)


def test_a_run_of_which_something_else_is_under_way_is_use(home: Home):
    """A job runs next to the one that waits for a person."""
    _set_run(home, "running", "awaiting_input", "running")

    assert not _idle_after(home, Clock(), 3600)


def test_a_command_is_use(home: Home):
    """A command that is attached, for example for `--follow`, keeps the stack up."""
    with attached(home):
        assert not _idle_after(home, Clock(), 3600)


def test_a_request_is_use(home: Home):
    """People who look at the UI keep the stack up; the time counts from the last request."""
    clock = Clock()
    idleness = Idleness(home, clock=clock)
    clock.now = 59
    (home.logs / "api-server.log").write_text("request finished\n")
    assert not idleness.is_over()
    clock.now = 118
    assert not idleness.is_over()
    clock.now = 120

    assert idleness.is_over()


def test_a_database_that_cannot_be_read_is_no_idleness(home: Home):
    """Who cannot tell whether a pipeline runs does not end the stack."""
    (home.airflow / "airflow.db").unlink()

    assert not _idle_after(home, Clock(), 3600)

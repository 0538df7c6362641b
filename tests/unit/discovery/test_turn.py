"""Of all processes, one looks for the projects of a bundle at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from gitlab_ci_provider.discovery import turn as turns
from gitlab_ci_provider.discovery.turn import turn
from gitlab_ci_provider.exceptions import GitlabApiError
from gitlab_ci_provider.records.discovered import Discovered, Turn
from gitlab_ci_provider.records.folder import FolderStore
from processes.waiting import wait_until


@dataclass
class Shared:
    """A state, and a clock."""

    discovered: Discovered
    now: list[float] = field(default_factory=lambda: [1_800_000_000.0])

    def is_free(self, pause: float = 0) -> bool:
        """Try to take the turn, as another process, and give it back."""
        at = self.now[0]
        free = self.discovered.take_turn("b", Turn(owner="other", until=at + 60), at, pause)
        self.discovered.end_turn("b", "other", None)
        return free


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    """Make them."""
    return Shared(Discovered(FolderStore(tmp_path / "state")))


def test_only_one_process_looks_at_a_time(shared: Shared):
    """Another one may when the first has ended, and when the pause is over."""
    mine = partial(turn, shared.discovered, "b", pause=0, now=lambda: shared.now[0])

    with mine() as first, mine() as second:
        assert (first, second) == (True, False)

    assert not shared.is_free(pause=60)
    shared.now[0] += 61
    assert shared.is_free(pause=60)


def test_who_could_not_look_need_not_be_waited_for(shared: Shared):
    """GitLab was away: another try is no second look."""
    with (
        suppress(GitlabApiError),
        turn(shared.discovered, "b", pause=0, now=lambda: shared.now[0]),
    ):
        raise GitlabApiError("away")

    assert shared.is_free(pause=60)


def test_a_look_keeps_its_turn_however_long_it_takes(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
):
    """GitLab may limit requests for an hour: others would make it worse."""
    monkeypatch.setattr(turns, "_RENEWED_AFTER", 0.01)
    with turn(shared.discovered, "b", pause=0, now=lambda: shared.now[0]):
        stored = shared.discovered.store
        before = list(stored.versions("discovered/turns/"))
        shared.now[0] += 3600
        wait_until(lambda: list(stored.versions("discovered/turns/")) != before, "a renewal")

        assert not shared.is_free()


def test_the_turn_of_a_process_that_was_killed_ends_after_a_minute(shared: Shared):
    """A DAG processor that is deployed anew does not wait for long."""
    at = shared.now[0]
    with turn(shared.discovered, "b", pause=0, now=lambda: at):
        shared.now[0] += 59
        assert not shared.is_free()
        shared.now[0] += 2
        assert shared.is_free()


def test_a_clock_that_was_wrong_stops_nobody(shared: Shared):
    """A machine was a day ahead, and was killed while it looked."""
    with turn(shared.discovered, "b", pause=0, now=lambda: shared.now[0] + 24 * 3600):
        assert shared.is_free()

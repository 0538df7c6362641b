"""Trying again."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import GitlabCiError
from gitlab_ci_provider.helper.attempts import STAGE, attempt
from gitlab_ci_provider.storage.base import MissingObjectError, StorageUnavailableError


class Flaky:
    """Fails a number of times, then succeeds."""

    def __init__(self, failures: int, error: type[GitlabCiError] = StorageUnavailableError):
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self) -> str:
        """Be the action."""
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error(f"failure {self.calls}")
        return "done"


def test_pauses_grow():
    """1 s, 2 s, 4 s, and never more than a minute."""
    pauses: list[float] = []
    said: list[str] = []

    assert attempt(Flaky(8), 9, sleep=pauses.append, say=said.append) == "done"
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert said[0] == "failure 1; attempt 2 of 9 in 1 s"


def test_the_last_failure_is_raised():
    """Once all attempts are used."""
    flaky = Flaky(5)

    with pytest.raises(StorageUnavailableError, match="failure 3"):
        attempt(flaky, 3, sleep=lambda _: None, say=lambda _: None)

    assert flaky.calls == 3


@pytest.mark.parametrize("attempts", [-1, 0, 1])
def test_there_is_always_one_attempt(attempts: int):
    """Whatever a variable says."""
    flaky = Flaky(0)

    attempt(flaky, attempts, sleep=lambda _: None, say=lambda _: None)

    assert flaky.calls == 1


def test_hopeless_errors_are_raised_at_once():
    """A missing object does not appear by asking again."""
    flaky = Flaky(5, MissingObjectError)

    with pytest.raises(MissingObjectError, match="failure 1"):
        attempt(flaky, 3, sleep=lambda _: None, say=lambda _: None, on=StorageUnavailableError)


def test_stages_pause_longer():
    """As the runner does between attempts of a stage: 5 s, 10 s, and never more than 5 minutes."""
    pauses: list[float] = []

    attempt(Flaky(8), 9, sleep=pauses.append, say=lambda _: None, pauses=STAGE)

    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]

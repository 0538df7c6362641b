"""What all jobs of a triggerer are told when Kubernetes is away."""

from __future__ import annotations

import logging
from contextvars import ContextVar, copy_context
from types import SimpleNamespace

import pytest

from gitlab_ci_provider.hooks import shared_patience
from gitlab_ci_provider.hooks.shared_patience import SharedPatience

AWAY = ConnectionRefusedError("nobody there")
JOB = ContextVar("JOB", default="nobody")


class Told(logging.Handler):
    """Keeps what was said, with the job in whose context it was."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append((JOB.get(), record.getMessage()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(shared_patience, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def log(told: Told, monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    log = logging.getLogger("told")
    log.setLevel(logging.INFO)
    monkeypatch.setattr(log, "handlers", [told])
    return log


def test_each_job_is_told_once_in_its_own_log(
    clock: SimpleNamespace, told: Told, log: logging.Logger
):
    """Airflow finds the log of a trigger by its context, so the words are said in that."""
    patience = SharedPatience(600)
    followed = []
    for job in ("one", "two"):
        telling = patience.telling(log)
        context = copy_context()
        context.run(JOB.set, job)
        context.run(telling.__enter__)
        followed.append((context, telling))
    for _ in range(5):
        patience.bear(AWAY)
        clock.now += 3
    patience.end()
    for context, telling in followed:
        context.run(telling.__exit__, None, None, None)
    patience.bear(AWAY)
    patience.bear(AWAY)

    away = "Kubernetes does not answer (nobody there); asking again for 600 s"
    back = "Kubernetes answers again after 15 s"
    assert sorted(told.words) == sorted(
        (job, words) for job in ("one", "two") for words in (away, back)
    )


def test_a_connection_that_breaks_is_not_an_outage(
    clock: SimpleNamespace, told: Told, log: logging.Logger
):
    """Nothing is said if the next attempt is answered."""
    patience = SharedPatience(600)
    with patience.telling(log):
        for _ in range(3):
            patience.bear(AWAY)
            clock.now += 100
            patience.end()

    assert told.words == []


def test_who_comes_into_an_outage_is_told(clock: SimpleNamespace, told: Told, log: logging.Logger):
    """A job whose worker leaves its pod to the triggerer just then, say."""
    patience = SharedPatience(600)
    patience.bear(AWAY)
    patience.bear(AWAY)
    with patience.telling(log):
        patience.end()

    assert [words.partition(" (")[0] for _, words in told.words] == [
        "Kubernetes does not answer",
        "Kubernetes answers again after 0 s",
    ]


def test_patience_has_an_end(clock: SimpleNamespace):
    """Then there is a problem, until Kubernetes answers; pauses stay short."""
    patience = SharedPatience(600)
    while clock.now < 1600:
        assert patience.bear(AWAY) <= 15
        assert not patience.problem
        clock.now += 60
    patience.bear(AWAY)
    assert patience.problem == "nobody there"
    patience.end()
    assert not patience.problem

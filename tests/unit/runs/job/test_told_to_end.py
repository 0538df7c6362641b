"""A task is told to end: with its job, or without."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from threading import Event

import pytest

from gitlab_ci_provider.runs.job import told_to_end
from gitlab_ci_provider.runs.job.told_to_end import WorkerEnds, following


class Pod:
    """The pod of a job, which somebody may delete."""

    def __init__(self) -> None:
        self.deleted = Event()
        self.times = 0

    def end(self) -> None:
        """Delete it."""
        self.times += 1
        self.deleted.set()


@pytest.fixture
def pod() -> Iterator[Pod]:
    """A pod whose task hears of the signal as Airflow's tasks do."""
    pod = Pod()
    before = signal.signal(signal.SIGTERM, lambda *_: told_to_end.tell(pod.end))
    none = told_to_end._task.set(None)
    yield pod
    told_to_end._task.reset(none)
    signal.signal(signal.SIGTERM, before)


def follow(*numbers: signal.Signals) -> None:
    """Follow a pod that writes nothing more, and get signals meanwhile."""
    job, _silent = socket.socketpair()
    with following():
        for number in numbers:
            signal.raise_signal(number)
        job.recv(1)


def no_answer() -> bool:
    """Ask an Airflow that does not answer."""
    raise ConnectionError


@pytest.mark.parametrize("still_runs", [lambda: True, no_answer])
def test_a_worker_that_ends_leaves_its_pod_at_once(pod: Pod, still_runs: told_to_end.StillRuns):
    """Also in the middle of waiting for a line, and when Airflow cannot be asked why it ends."""
    told_to_end.begin(still_runs)
    with pytest.raises(WorkerEnds):
        follow(signal.SIGTERM)

    assert pod.times == 0


def test_a_worker_that_ends_before_it_follows_leaves_its_pod_when_it_would(pod: Pod):
    """Nothing is broken off that makes the pod."""
    asked = Event()

    def still_runs() -> bool:
        asked.set()
        return True

    told_to_end.begin(still_runs)
    signal.raise_signal(signal.SIGTERM)
    asked.wait()

    with pytest.raises(WorkerEnds):
        follow()
    assert pod.times == 0


def test_the_pod_of_a_task_that_a_person_has_ended_is_deleted_and_followed(pod: Pod):
    """Once, however often the task is told; what it still writes is for the log."""
    told_to_end.begin(lambda: False)
    with following():
        signal.raise_signal(signal.SIGTERM)
        pod.deleted.wait()
        signal.raise_signal(signal.SIGTERM)

    assert pod.times == 1

"""Phase `wait_for_services`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.lazy_store import LazyStore
from gitlab_ci_provider.helper.output import Output
from gitlab_ci_provider.helper.phases.wait_for_services import wait_for_services
from gitlab_ci_provider.model.log_frames import FrameWriter
from gitlab_ci_provider.model.plan import JobPlan, ServiceCheck

POSTGRES = ServiceCheck(
    name="db", image="postgres:16", hosts=("postgres", "db"), port=5432, patience=60
)


class Waiting:
    """A phase with a clock of its own."""

    def __init__(self, *checks: ServiceCheck):
        self.now = 0.0
        self.written = b""
        plan = JobPlan(job="job", project_dir="/builds/p", services=checks)
        self.context = PhaseContext(
            plan=plan,
            output=Output(log=FrameWriter(self._take, lambda: 0)),
            store=LazyStore(lambda: pytest.fail("no store")),
            sleep=self._sleep,
            control=Path(),
        )

    def _take(self, data: bytes) -> None:
        self.written += data

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, asker: Callable[[ServiceCheck], str]) -> str:
        """Run the phase; gives what it has written."""
        try:
            wait_for_services(self.context, asker, lambda: self.now)
        finally:
            self.text = self.written.decode()
        return self.text

    def ready_at(self, seconds: float) -> Callable[[ServiceCheck], str]:
        return lambda _: "" if self.now >= seconds else "connection refused"


def test_a_service_that_answers_is_named_with_its_hosts():
    """People see how to reach it, and that it was ready."""
    said = Waiting(POSTGRES).run(lambda _: "")

    assert "Service db (postgres:16) is reached as postgres, db." in said
    assert "Service db is ready (port 5432)." in said


def test_a_name_that_kubernetes_refuses_is_told():
    """A script made for GitLab's Docker executor may use it."""
    said = Waiting(ServiceCheck(name="a", image="g/i", hosts=("g-i",), refused=("g__i",))).run(
        lambda _: ""
    )

    assert "is reached as g-i, not as g__i: Kubernetes does not accept such names." in said


def test_waiting_is_told():
    """Nobody wonders why nothing happens, and nobody is flooded."""
    waiting = Waiting(POSTGRES)
    said = waiting.run(waiting.ready_at(40))

    assert "waiting for service db (port 5432), 2 s: connection refused" in said
    assert said.count("waiting for service") == 5


def test_a_service_that_never_gets_ready_fails_the_job():
    """With its name, image, port and what was the matter."""
    waiting = Waiting(POSTGRES)
    words = r"service db \(postgres:16\) is not ready after 60 s: port 5432: connection refused"

    with pytest.raises(SystemFailure, match=words) as caught:
        waiting.run(waiting.ready_at(float("inf")))

    assert caught.value.reason == "runner_system_failure"


def test_a_port_that_was_a_guess_is_a_warning():
    """The service may listen elsewhere; the job goes on, as in GitLab."""
    waiting = Waiting(ServiceCheck(name="a", image="i", port=1, patience=30, required=False))

    said = waiting.run(waiting.ready_at(float("inf")))

    assert "WARNING: service a (i) is not ready after 30 s" in said
    assert "HEALTHCHECK_TCP_PORT" in said


def test_a_service_without_a_known_port_is_not_waited_for():
    """And the log says what to do about that."""
    said = Waiting(ServiceCheck(name="a", image="i")).run(lambda _: pytest.fail("asked"))

    assert "set HEALTHCHECK_TCP_PORT in its variables" in said


def test_an_installation_can_leave_waiting_out():
    """`services_timeout = 0`."""
    Waiting(ServiceCheck(name="a", image="i", port=1)).run(lambda _: pytest.fail("asked"))


def test_warnings_of_the_plan_are_told():
    """They are about what the file says."""
    said = Waiting(ServiceCheck(name="a", image="i", warnings=("port 1 is also used",))).run(
        lambda _: ""
    )

    assert "WARNING: service a: port 1 is also used" in said

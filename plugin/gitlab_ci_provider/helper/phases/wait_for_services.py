"""Phase `wait_for_services`: the script starts when its services answer.

It is the last before the script, so sources and caches come while the services start. Whether a
service is still alive cannot be seen from here: the task watches that, see
`runs/job/service_trouble.py`. It looks whenever this phase says something.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.service_checks import ask
from gitlab_ci_provider.model.plan import ServiceCheck

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

_FIRST_WORD, _LONGEST_SILENCE = 2.0, 30.0
"""Seconds until it is said that a service is waited for; the times in between double."""


def wait_for_services(
    context: PhaseContext,
    asker: Callable[[ServiceCheck], str] = ask,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until all services are ready.

    Raises:
        SystemFailure: one is not, in its time.
    """
    begun = clock()
    for check in context.plan.services:
        _introduce(context, check)
    waiting = {check.name: check for check in context.plan.services if _is_asked(check)}
    pause, word = _FIRST_PAUSE, _FIRST_WORD
    while waiting:
        problems = {name: asker(check) for name, check in waiting.items()}
        passed = clock() - begun
        for name, problem in problems.items():
            if not problem:
                done = waiting.pop(name)
                context.output.line(f"Service {done.name} is ready (port {done.port}).")
            elif passed >= waiting[name].patience:
                _give_up(context, waiting.pop(name), problem)
        if waiting and passed >= word:
            _tell(context, waiting.values(), problems, passed)
            word += min(word, _LONGEST_SILENCE)
        if waiting:
            context.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _is_asked(check: ServiceCheck) -> bool:
    return bool(check.port and check.patience)


def _introduce(context: PhaseContext, check: ServiceCheck) -> None:
    names = ", ".join(check.hosts) or "localhost"
    refused = ", ".join(check.refused)
    other = f", not as {refused}: Kubernetes does not accept such names" if refused else ""
    context.output.line(f"Service {check.name} ({check.image}) is reached as {names}{other}.")
    for warning in check.warnings:
        context.output.warning(f"service {check.name}: {warning}")
    if not check.port:
        hint = "nothing is known of its port: set HEALTHCHECK_TCP_PORT in its variables to wait"
        context.output.line(f"Service {check.name}: {hint} for it.")


def _tell(
    context: PhaseContext, waiting: Iterable[ServiceCheck], problems: dict[str, str], passed: float
) -> None:
    for check in waiting:
        words = f"waiting for service {check.name} (port {check.port}), {int(passed)} s"
        context.output.line(f"{words}: {problems[check.name]}")


def _give_up(context: PhaseContext, check: ServiceCheck, problem: str) -> None:
    message = (
        f"service {check.name} ({check.image}) is not ready after {check.patience} s: "
        f"port {check.port}: {problem}"
    )
    if check.required:
        raise SystemFailure(message)
    context.output.warning(
        f"{message}. It has a command of its own: set HEALTHCHECK_TCP_PORT in its variables if it "
        "listens on another port"
    )

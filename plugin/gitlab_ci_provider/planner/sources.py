"""Phase `get_sources`: the GIT_ variables of a job, as the runner reads them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.plan import GetSources, GitStrategy
from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.planner.subject import Subject

_STRATEGIES: tuple[GitStrategy, ...] = ("fetch", "clone", "none", "empty")


def plan_sources(subject: Subject, environment: Mapping[str, str]) -> GetSources:
    """Decide what is fetched and how.

    Raises:
        SystemFailure: a GIT_ variable holds what the runner would not accept either.
    """
    run = subject.run
    kind = "tags" if run.ref.kind == RefKind.TAG else "heads"
    submodules = environment.get("GIT_SUBMODULE_STRATEGY") or "none"
    if submodules != "none":
        raise _wrong("GIT_SUBMODULE_STRATEGY", submodules, "none: submodules are not fetched yet")
    target = "remotes/origin" if kind == "heads" else "tags"
    return GetSources(
        url=run.project.clone_url,
        sha=run.ref.sha,
        refspecs=(f"+refs/{kind}/{run.ref.name}:refs/{target}/{run.ref.name}",),
        ref_name=run.ref.name,
        strategy=_strategy(environment),
        depth=_number("GIT_DEPTH", environment, 20),
        clean_flags=_flags("GIT_CLEAN_FLAGS", environment, ("-ffdx",)),
        fetch_flags=_flags("GIT_FETCH_EXTRA_FLAGS", environment, ("--prune", "--quiet")),
        attempts=_number("GET_SOURCES_ATTEMPTS", environment, 1),
        username=subject.login.username if subject.login else "",
        password=subject.login.password if subject.login else "",
    )


def _strategy(environment: Mapping[str, str]) -> GitStrategy:
    given = environment.get("GIT_STRATEGY") or "fetch"
    for strategy in _STRATEGIES:
        if strategy == given:
            return strategy
    raise _wrong("GIT_STRATEGY", given, f"one of {', '.join(_STRATEGIES)}")


def _number(name: str, environment: Mapping[str, str], default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise _wrong(name, text, "a number")
    return int(text)


def _flags(name: str, environment: Mapping[str, str], default: tuple[str, ...]) -> tuple[str, ...]:
    """Read flags as a shell would; `none` means no flags."""
    text = environment.get(name, "")
    if text == "none":
        return ()
    try:
        return tuple(shlex.split(text)) or default
    except ValueError as error:
        raise _wrong(name, text, f"flags ({error})") from error


def _wrong(name: str, value: str, wanted: str) -> SystemFailure:
    message = f"{name} is '{value}', it must be {wanted}"
    return SystemFailure(message, reason="runner_configuration_error")

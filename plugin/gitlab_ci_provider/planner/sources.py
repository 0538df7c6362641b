"""Phase `get_sources`: the GIT_ variables of a job, as the runner reads them."""

from __future__ import annotations

import posixpath
from typing import get_args

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.plan import GetSources, GitStrategy, SubmoduleStrategy
from gitlab_ci_provider.model.project import Ref, RefKind
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.model.workspace import BUILDS_DIR
from gitlab_ci_provider.planner.git_flags import read_flags
from gitlab_ci_provider.planner.plan_request import PlanRequest

_SUBMODULES: tuple[SubmoduleStrategy, ...] = get_args(SubmoduleStrategy)
_BOOLEANS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
"""What Go's `ParseBool` takes, in any case."""

_STRATEGIES: tuple[GitStrategy, ...] = get_args(GitStrategy)


def plan_sources(request: PlanRequest) -> GetSources:
    """Decide what is fetched and how.

    Raises:
        SystemFailure: a GIT_ variable holds what the runner would not accept either.
    """
    run, variables = request.run, request.variables
    depth = _number("GIT_DEPTH", variables, 20)
    _refuse_clone_flags(variables)
    return GetSources(
        url=run.project.clone_url,
        sha=run.ref.sha,
        refspecs=_refspecs(run.ref, depth),
        ref_name=run.ref.name,
        strategy=_strategy(variables),
        depth=depth,
        clean_flags=read_flags("GIT_CLEAN_FLAGS", variables, ("-ffdx",)),
        fetch_flags=read_flags("GIT_FETCH_EXTRA_FLAGS", variables, ("--prune", "--quiet")),
        checkout=_boolean("GIT_CHECKOUT", variables, default=True),
        lfs=not _boolean("GIT_LFS_SKIP_SMUDGE", variables, default=False),
        submodule_strategy=_submodules(variables),
        submodule_paths=_submodule_paths(variables),
        submodule_depth=_number("GIT_SUBMODULE_DEPTH", variables, depth),
        submodule_flags=read_flags("GIT_SUBMODULE_UPDATE_FLAGS", variables, ()),
        https_submodules=_boolean("GIT_SUBMODULE_FORCE_HTTPS", variables, default=False),
        attempts=_number("GET_SOURCES_ATTEMPTS", variables, 1),
        username=request.login.username if request.login else "",
        password=request.login.password if request.login else "",
    )


def _refspecs(ref: Ref, depth: int) -> tuple[str, ...]:
    """List what is fetched: the ref alone, or all branches and tags when history is whole.

    Source: GitLab's `Ci::BuildRunnerPresenter#refspecs`.
    """
    if depth <= 0:
        return (_branch("*"), _tag("*"))
    return (_tag(ref.name) if ref.kind == RefKind.TAG else _branch(ref.name),)


def _branch(name: str) -> str:
    return f"+refs/heads/{name}:refs/remotes/origin/{name}"


def _tag(name: str) -> str:
    return f"+refs/tags/{name}:refs/tags/{name}"


def _refuse_clone_flags(variables: Variables) -> None:
    """Refuse flags of `git clone` where the runner would use it; else it ignores them, too."""
    flags = variables.get("GIT_CLONE_EXTRA_FLAGS")
    native = _boolean("FF_USE_GIT_NATIVE_CLONE", variables, default=False)
    if flags and native and _strategy(variables) == "clone":
        raise _wrong("GIT_CLONE_EXTRA_FLAGS", flags, "empty; use GIT_FETCH_EXTRA_FLAGS instead")


def _strategy(variables: Variables) -> GitStrategy:
    given = variables.get("GIT_STRATEGY") or "fetch"
    for strategy in _STRATEGIES:
        if strategy == given:
            return strategy
    raise _wrong("GIT_STRATEGY", given, f"one of {', '.join(_STRATEGIES)}")


def clone_path(variables: Variables) -> str:
    """Read GIT_CLONE_PATH, where the working copy goes; empty for the usual place.

    Raises:
        SystemFailure: it is not below CI_BUILDS_DIR.
    """
    given = variables.get("GIT_CLONE_PATH")
    if not given:
        return ""
    path = posixpath.normpath(posixpath.join(BUILDS_DIR, given))
    if not path.startswith(f"{BUILDS_DIR}/"):
        raise _wrong("GIT_CLONE_PATH", given, f"within CI_BUILDS_DIR, {BUILDS_DIR}")
    return path


def _submodules(variables: Variables) -> SubmoduleStrategy:
    """Read the strategy; without a repository there are no submodules."""
    given = variables.get("GIT_SUBMODULE_STRATEGY") or "none"
    for strategy in _SUBMODULES:
        if strategy == given:
            return strategy if _strategy(variables) in {"fetch", "clone"} else "none"
    raise _wrong("GIT_SUBMODULE_STRATEGY", given, f"one of {', '.join(_SUBMODULES)}")


def _submodule_paths(variables: Variables) -> tuple[str, ...]:
    text = variables.get("GIT_SUBMODULE_PATHS")
    paths = tuple(text.split())
    if ":(exclude)" in paths:
        raise _wrong("GIT_SUBMODULE_PATHS", text, "paths; write `:(exclude)path` without a space")
    return paths


def _boolean(name: str, variables: Variables, *, default: bool) -> bool:
    text = variables.get(name).lower()
    if not text:
        return default
    if text not in _BOOLEANS:
        raise _wrong(name, text, "true or false")
    return _BOOLEANS[text]


def _number(name: str, variables: Variables, default: int) -> int:
    text = variables.get(name)
    if not text:
        return default
    if not text.isdecimal():
        raise _wrong(name, text, "a number")
    return int(text)


def _wrong(name: str, value: str, wanted: str) -> SystemFailure:
    message = f"{name} is '{value}', it must be {wanted}"
    return SystemFailure(message, reason=FailureReason.RUNNER_CONFIGURATION_ERROR)

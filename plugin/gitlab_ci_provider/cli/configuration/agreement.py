"""Compares what a configuration means here with what GitLab's own lint API says of it.

Both sides are trees after includes, `extends` and `!reference`, and lists of jobs. What GitLab adds
to its merged YAML without changing its meaning is left out on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import to_data
from gitlab_ci_provider.config.yaml_errors import LoadError
from gitlab_ci_provider.model.quoted import quoted

_EDGES = (".pre", ".post")
_LEFT_OUT = ("include", "extends")
_COMPARED = ("stage", "when")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one side says.

    Attributes:
        merged: the composed configuration as data; None when it could not be composed.
        jobs: by name, some of their keywords.
    """

    valid: bool
    errors: tuple[str, ...] = ()
    merged: object = None
    jobs: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place at which the two do not agree; None is nothing there."""

    place: str
    here: object
    gitlab: object

    def __str__(self) -> str:
        return f"{self.place}: here {_shown(self.here)}, in GitLab {_shown(self.gitlab)}"


def read_merged(text: str) -> object:
    """Read GitLab's merged YAML as GitLab reads YAML."""
    try:
        return to_data(load(text, "merged_yaml", Diagnostics()))
    except LoadError as problem:
        return {"merged YAML that cannot be read": problem.message}


def differences(here: Verdict, gitlab: Verdict) -> list[Difference]:
    """List where the two do not agree."""
    if here.valid != gitlab.valid:
        said = {True: "valid", False: "not valid"}
        return [Difference(place="the file", here=said[here.valid], gitlab=said[gitlab.valid])]
    if not here.valid:
        return []
    return [*_in_jobs(here.jobs, gitlab.jobs), *_between("", _plain(here), _plain(gitlab))]


def _in_jobs(
    here: Mapping[str, Mapping[str, object]], gitlab: Mapping[str, Mapping[str, object]]
) -> Iterator[Difference]:
    for name in _names(here, gitlab):
        ours, theirs = here.get(name), gitlab.get(name)
        if ours is None or theirs is None:
            found = {True: "no such job", False: "a job"}
            yield Difference(
                place=f"job {name}", here=found[ours is None], gitlab=found[theirs is None]
            )
            continue
        for key in _COMPARED:
            if key in theirs and ours.get(key) != theirs[key]:
                yield Difference(place=f"job {name}: {key}", here=ours.get(key), gitlab=theirs[key])


def _plain(verdict: Verdict) -> object:
    """Leave out what GitLab's merged YAML has in addition or no longer has."""
    merged = verdict.merged
    if not isinstance(merged, dict):
        return merged
    tree = {key: _without(value) for key, value in merged.items() if key not in _LEFT_OUT}
    stages = tree.get("stages")
    if isinstance(stages, list):
        tree["stages"] = [stage for stage in stages if stage not in _EDGES]
    return tree


def _without(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if key not in _LEFT_OUT}


def _between(place: str, here: object, gitlab: object) -> Iterator[Difference]:
    if isinstance(here, dict) and isinstance(gitlab, dict):
        for name in _names(here, gitlab):
            at = f"{place}:{name}" if place else str(name)
            yield from _between(at, here.get(name), gitlab.get(name))
    elif here != gitlab:
        yield Difference(place=place or "the file", here=here, gitlab=gitlab)


def _names(here: Iterable[str], gitlab: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*here, *gitlab)))


def _shown(value: object) -> str:
    return "nothing" if value is None else quoted(str(value))

"""What is known of the variables that a job's commands see: from the file alone, or from a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.docker_builds.spots import Spot
from gitlab_ci_provider.docker_builds.values import CHANGING

Setting = tuple[Spot, str]
"""A value that a variable may have, and where it is written."""


@dataclass(frozen=True, slots=True)
class Known:
    """Variables of a job.

    Attributes:
        values: those that are certain, by name.
        settings: all that may be, for what must not be there whatever decides about it.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()


UNKNOWN = Known()
"""Nothing is known."""


def known_in_file(written: Mapping[str, str], decided: Iterable[Setting]) -> Known:
    """Gather what the file says.

    Args:
        written: for every pipeline.
        decided: what rules or a matrix put in its place, perhaps. Those that change what docker's
            commands mean count as set.
    """
    perhaps = tuple(decided)
    names = {spot.name for spot, _ in perhaps}
    values = {name: value for name, value in written.items() if name not in names}
    values |= dict.fromkeys(names & CHANGING.keys(), "?")
    return Known(values, (*_settings(written), *perhaps))


def known_in_run(variables: Mapping[str, str]) -> Known:
    """Gather what the script sees."""
    return Known(variables, tuple(_settings(variables)))


def _settings(variables: Mapping[str, str]) -> Iterable[Setting]:
    return ((Spot("variables", name=name), value) for name, value in variables.items())

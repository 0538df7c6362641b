"""CI/CD variables as values: what they hold and how they may be used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable.

    Attributes:
        expand: False keeps `$` in the value as it is (`expand: false`, GitLab's "raw").
        masked: hide the value in logs.
        file: the job sees the path of a file that holds the value.
        description: text of the run form; None keeps the variable out of the form.
        options: allowed values in the run form.
        protected: only pipelines of protected refs get it; for configured variables.
        hidden: nobody can read it back where it is kept; for configured variables.
        environment_scope: only jobs of environments that match get it, `*` for all jobs; for
            configured variables.
    """

    name: str
    value: str
    expand: bool = True
    masked: bool = False
    file: bool = False
    description: str | None = None
    options: tuple[str, ...] = ()
    protected: bool = False
    hidden: bool = False
    environment_scope: str = "*"


Variables = tuple[Variable, ...]
"""Ordered, names unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredVariables:
    """Variables that are set outside of the file, as they are kept: nothing selected yet.

    A name may occur more than once in a layer, with different environment scopes.

    Attributes:
        groups: a layer for each group, the outermost first.
        places: names of what they were read from.
    """

    instance: tuple[Variable, ...] = ()
    groups: tuple[tuple[Variable, ...], ...] = ()
    project: tuple[Variable, ...] = ()
    places: tuple[str, ...] = ()


def merge(*layers: Variables) -> Variables:
    """Join layers of variables: a later layer wins, a name keeps its first position."""
    merged: dict[str, Variable] = {}
    for layer in layers:
        merged.update((variable.name, variable) for variable in layer)
    return tuple(merged.values())

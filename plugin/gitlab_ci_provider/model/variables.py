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
    """

    name: str
    value: str
    expand: bool = True
    masked: bool = False
    file: bool = False
    description: str | None = None
    options: tuple[str, ...] = ()


Variables = tuple[Variable, ...]
"""Ordered, names unique."""


def merge(*layers: Variables) -> Variables:
    """Join layers of variables: a later layer wins, a name keeps its first position."""
    merged: dict[str, Variable] = {}
    for layer in layers:
        merged.update((variable.name, variable) for variable in layer)
    return tuple(merged.values())

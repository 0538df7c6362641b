"""CI/CD variables as values: what they hold and how they may be used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WITHHELD = "\0withheld"
"""Value of a hidden variable that GitLab's API does not give; no real value can contain NUL."""


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


class Variables(tuple[Variable, ...]):
    """Variables in their order. Of equal names, the last one counts.

    `weaker | stronger` joins two, as dictionaries are joined: the right one wins, a name keeps its
    first position. As JSON it is a list, see `model/serialization.py`.
    """

    __slots__ = ()

    def __or__(self, stronger: Iterable[Variable]) -> Variables:
        """Add variables that win over these."""
        joined = {variable.name: variable for variable in self}
        joined.update((variable.name, variable) for variable in stronger)
        return Variables(joined.values())

    def get(self, name: str, default: str = "") -> str:
        """Return the value of a variable; the default when there is no such variable."""
        return next((known.value for known in reversed(self) if known.name == name), default)

    def as_dict(self) -> dict[str, str]:
        """Return the values by name."""
        return {variable.name: variable.value for variable in self}

    @property
    def names(self) -> frozenset[str]:
        """The names."""
        return frozenset(variable.name for variable in self)

    @property
    def masked(self) -> Variables:
        """Those whose values must not appear in logs."""
        return Variables(variable for variable in self if variable.masked)

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of those whose value, or a part of it, is not known."""
        return tuple(variable.name for variable in self if WITHHELD in variable.value)

    @property
    def masked_values(self) -> tuple[str, ...]:
        """The values that must not appear in logs, without empty ones."""
        return tuple(variable.value for variable in self if variable.masked and variable.value)


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

    @property
    def layers(self) -> tuple[tuple[Variable, ...], ...]:
        """All layers, the weakest first."""
        return (self.instance, *self.groups, self.project)

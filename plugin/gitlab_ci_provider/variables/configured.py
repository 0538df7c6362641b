"""Which variables of the instance, the groups and the project a job gets.

Source: GitLab's `Ci::Variables::Builder` and `HasEnvironmentScope`. A protected variable is for
protected refs only. Of variables with the same name the scope `*` yields to patterns, and patterns
yield to the environment's own name. The project wins over the closest group, that one over outer
groups, and these over the instance.

Unlike GitLab, which takes either of two patterns that both match, the longer pattern wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable, Variables
from gitlab_ci_provider.model.wildcards import matches

EVERYWHERE = "*"


def applicable(
    configured: ConfiguredVariables, *, protected: bool, environment: str | None = None
) -> Variables:
    """Select what a job gets, weakest first; names are unique.

    Args:
        configured: all there are.
        protected: whether the pipeline's ref is protected.
        environment: the job's environment after expansion; None when it has none.
    """
    selected = (_selected(layer, protected, environment) for layer in configured.layers)
    return reduce(or_, selected, Variables())


def refuse_withheld(configured: ConfiguredVariables, given: Variables, *, protected: bool) -> None:
    """Refuse to evaluate rules without the value of a hidden variable.

    Args:
        configured: all there are.
        given: pipeline variables, which win.
        protected: whether the pipeline's ref is protected.

    Raises:
        SettingsError: a value is not known.
    """
    refuse_unknown(applicable(configured, protected=protected) | given)


def refuse_unknown(variables: Variables) -> None:
    """Refuse variables with a value that GitLab keeps to itself.

    Raises:
        SettingsError: there are some; the message names them.
    """
    if names := variables.withheld:
        raise SettingsError(
            f"GitLab's API does not give the values of hidden variables ({', '.join(names)}): put "
            "them into the Airflow Variable of the same level, or make them visible in GitLab"
        )


def scope_matches(scope: str, environment: str | None) -> bool:
    """Return whether a variable's scope covers an environment; `*` stands for any characters."""
    if scope == EVERYWHERE:
        return True
    return environment is not None and matches(scope, environment)


def _selected(layer: Iterable[Variable], protected: bool, environment: str | None) -> Variables:
    found = [
        variable
        for variable in layer
        if (protected or not variable.protected)
        and scope_matches(variable.environment_scope, environment)
    ]
    return Variables(
        sorted(found, key=lambda known: _closeness(known.environment_scope, environment))
    )


def _closeness(scope: str, environment: str | None) -> tuple[int, int]:
    if scope == EVERYWHERE:
        return 0, 0
    return (2 if scope == environment else 1), len(scope)

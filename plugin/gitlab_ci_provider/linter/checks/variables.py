"""Variables that refer to each other in a cycle, which GitLab refuses once a job runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.linter.places import place
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.variables.expand import references
from gitlab_ci_provider.variables.precedence import yaml_variables

_HINT = "GitLab rejects such a pipeline; here the circular references are not expanded."


def check_variables(config: CiConfig) -> Iterator[Diagnostic]:
    """Check what each job sees of the file's variables."""
    for name, entry in config.jobs.items():
        found = cycle(yaml_variables(entry.job, config.variables))
        if found:
            shown = ", ".join(f'"{variable}"' for variable in found)
            words = f"{name}: circular variable reference detected: [{shown}]"
            own = place(entry.raw, "variables", found[0])
            shared = place(config.tree, "variables", found[0])
            at = own if entry.job.own_variables.names & set(found) else shared
            yield warning("variables-circular", words, at, _HINT)


def cycle(variables: Variables) -> tuple[str, ...]:
    """Return the names in a cycle of at least two variables, sorted; empty when there is none."""
    edges = {
        variable.name: [name for name in references(variable.value) if name != variable.name]
        for variable in variables
        if variable.expand and ("$" in variable.value or "%" in variable.value)
    }
    left = _trim(edges)
    start = next(iter(left), None)
    if start is None:
        return ()
    walked: list[str] = []
    while start not in walked:
        walked.append(start)
        start = next(name for name in left[start] if name in left)
    return tuple(sorted(walked[walked.index(start) :]))


def _trim(edges: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Repeatedly remove variables that refer to nothing that is left."""
    left = dict(edges)
    done = False
    while not done:
        kept = {name: to for name, to in left.items() if any(name in left for name in to)}
        done = len(kept) == len(left)
        left = kept
    return left

"""Secrets in plain sight, and included files that may change without notice.

Messages name the variable, never its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.includes.locations import Location
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation, warning
from gitlab_ci_provider.model.variables import Variables

_NAMES = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|TOKEN|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY|PRIVATE_KEY)$", re.I
)
_VALUES = re.compile(
    r"glpat-[\w-]{20}|gh[pousr]_\w{36}|AKIA[0-9A-Z]{16}|xox[baprs]-[\w-]{10}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_SHA = re.compile(r"^[0-9a-f]{40}$")
_MIN_LENGTH = 8
_HINT = "Set it as a masked variable of the project or take it from a vault."


def check_safety(config: CiConfig) -> Iterator[Diagnostic]:
    """Check variables and includes."""
    place = config.tree.place("variables").location()
    yield from _check_variables(config.variables, "variables", place)
    for name, one in config.jobs.items():
        label = f"jobs:{name}:variables"
        yield from _check_variables(one.job.own_variables, label, one.job.location)
    for location in config.includes:
        why = unpinned(location)
        if why:
            words = f"include:{location.kind} {location.project or location.path} {why}"
            yield warning("include-unpinned", words, location.mark.location())


def _check_variables(
    variables: Variables, label: str, place: SourceLocation
) -> Iterator[Diagnostic]:
    for variable in variables:
        value = variable.value
        literal = len(value) >= _MIN_LENGTH and "$" not in value and " " not in value
        if _VALUES.search(value) or (literal and _NAMES.search(variable.name)):
            words = f"{label}: {variable.name} looks like a secret in plain sight"
            yield warning("secret-in-plain-sight", words, place, _HINT)


def unpinned(location: Location) -> str | None:
    """Say why an included file may change without notice; None when it cannot."""
    if location.kind == "project" and not _SHA.match(location.ref or ""):
        return f"follows {location.ref or 'the default branch'}; pin it to a commit"
    if location.kind == "remote" and location.integrity is None:
        return "may change at any time; add integrity"
    version = location.path.rpartition("@")[2]
    if location.kind == "component" and (version == "~latest" or version.count(".") < 2):
        return None if _SHA.match(version) else f"follows {version}; pin it to a full version"
    return None

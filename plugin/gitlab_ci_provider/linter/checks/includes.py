"""Included files that may change without notice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.includes.locations import Location
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.project import is_commit_id

_FULL_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:[-+].*)?")


def check_includes(config: CiConfig) -> Iterator[Diagnostic]:
    """Check what is read from elsewhere."""
    for location in config.includes:
        why = unpinned(location)
        if why:
            words = f"include:{location.kind} {location.project or location.path} {why}"
            yield warning("include-unpinned", words, location.mark.location())


def unpinned(location: Location) -> str | None:
    """Say why an included file may change without notice; None when it cannot."""
    if location.kind == "project" and not is_commit_id(location.ref or ""):
        return f"follows {location.ref or 'the default branch'}; pin it to a commit"
    if location.kind == "remote" and location.integrity is None:
        return "may change at any time; add integrity"
    version = location.path.rpartition("@")[2]
    if location.kind == "component" and not _pinned(version):
        return f"follows {version}; pin it to a full version"
    return None


def _pinned(version: str) -> bool:
    return is_commit_id(version) or bool(_FULL_VERSION.fullmatch(version))

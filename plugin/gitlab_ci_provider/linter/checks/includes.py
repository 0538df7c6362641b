"""What is read from elsewhere: files that may change without notice, projects out of reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.includes.locations import Location
from gitlab_ci_provider.linter.places import with_jobs
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation, warning
from gitlab_ci_provider.model.project import is_commit_id
from gitlab_ci_provider.model.rules import Rule

_FULL_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?:[-+].*)?")


def check_includes(config: CiConfig) -> Iterator[Diagnostic]:
    """Check what is read from elsewhere."""
    for location in config.includes:
        why = unpinned(location)
        if why:
            words = f"include:{location.kind} {location.project or location.path} {why}"
            yield warning("include-unpinned", words, location.mark.location())


def check_unreachable(config: CiConfig) -> Iterator[Diagnostic]:
    """Warn of rules that ask for files of another project, where no other one can be read."""
    return with_jobs(
        (name, _unreachable(rule, rule.exists.project))
        for name, entry in config.jobs.items()
        for rule in entry.job.rules or ()
        if rule.exists and rule.exists.project
    )


def _unreachable(rule: Rule, project: str) -> Diagnostic:
    words = f"`exists` in project {project} cannot be looked at here, so its rule does not match"
    at = rule.location or SourceLocation(file="")
    return warning("exists-unavailable", words, at, "Pass the GitLab server with --gitlab-url.")


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

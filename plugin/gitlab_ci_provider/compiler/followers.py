"""Errors that only follow from an include that could not be read, left out."""

from __future__ import annotations

from collections.abc import Iterable

from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity

_FOLLOWING = frozenset(
    {
        "dependencies-unknown-job",
        "environment-on-stop",
        "extends-unknown-keys",
        "job-nothing-to-do",
        "jobs-none-visible",
        "needs-unknown-job",
        "reference-missing",
        "stage-unknown",
    }
)


def without_followers(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Leave out what misses something that a failed include would have brought."""
    listed = list(found)
    if not any(
        diagnostic.code.startswith("include-") and _is_error(diagnostic) for diagnostic in listed
    ):
        return listed
    return [diagnostic for diagnostic in listed if diagnostic.code not in _FOLLOWING]


def _is_error(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR

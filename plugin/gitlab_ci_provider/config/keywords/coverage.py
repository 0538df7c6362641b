"""`coverage:`, a regular expression that finds a number in the log."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.rules.expression.regex import compile_pattern


def read_coverage(field: Field) -> str | None:
    """Read `coverage:`, a regular expression between slashes."""
    pattern = field.value
    if not isinstance(pattern, str) or compile_pattern(pattern) is None:
        field.refuse("must be a regular expression with re2 syntax")
        return None
    return pattern

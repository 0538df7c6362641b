"""All that can be said about a configuration besides GitLab's own errors."""

from __future__ import annotations

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.linter.checks.practices import check_practices
from gitlab_ci_provider.linter.checks.rules import check_rules
from gitlab_ci_provider.linter.checks.safety import check_safety
from gitlab_ci_provider.model.diagnostic import Diagnostic


def lint(config: CiConfig) -> list[Diagnostic]:
    """List the warnings of a configuration, in the order of the file."""
    found = [*check_rules(config), *check_practices(config), *check_safety(config)]
    return sorted(dict.fromkeys(found), key=lambda one: (one.location, one.code))

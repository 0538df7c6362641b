"""All findings in a configuration besides GitLab's own errors."""

from __future__ import annotations

from operator import attrgetter

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.linter.checks.docker_builds import check_docker_builds
from gitlab_ci_provider.linter.checks.includes import check_includes
from gitlab_ci_provider.linter.checks.inputs import check_inputs
from gitlab_ci_provider.linter.checks.practices import check_practices
from gitlab_ci_provider.linter.checks.rules import check_rules
from gitlab_ci_provider.linter.checks.runner_variables import check_runner_variables
from gitlab_ci_provider.linter.checks.secrets import check_secrets
from gitlab_ci_provider.linter.checks.services import check_services
from gitlab_ci_provider.linter.checks.variables import check_variables
from gitlab_ci_provider.model.diagnostic import Diagnostic


def lint(config: CiConfig) -> list[Diagnostic]:
    """List the warnings of a configuration, in the order of the file."""
    checks = (
        check_rules,
        check_practices,
        check_services,
        check_docker_builds,
        check_variables,
        check_runner_variables,
        check_secrets,
        check_includes,
        check_inputs,
    )
    found = [diagnostic for check in checks for diagnostic in check(config)]
    return sorted(dict.fromkeys(found), key=attrgetter("location", "code"))

"""Variables of git itself that a job may set for the fetch of its sources.

Unlike GitLab, where git gets all variables of the job, only those that show what it does and how
patient it is reach the fetch: git runs next to the login of the repository's server, and others
name programs, proxies, files or certificates. In the job's scripts, all of them count.
"""

from __future__ import annotations

from typing import NamedTuple

from gitlab_ci_provider.model.git_environment import GIT_VARIABLES
from gitlab_ci_provider.model.variables import Variables

_REFUSED_NAMES = (
    "GIT_ASKPASS GIT_CONFIG GIT_CONFIG_COUNT GIT_CONFIG_GLOBAL GIT_CONFIG_PARAMETERS "
    "GIT_CONFIG_SYSTEM GIT_EXEC_PATH GIT_PROXY_COMMAND GIT_SSH GIT_SSH_COMMAND GIT_SSL_CAINFO "
    "GIT_SSL_CERT GIT_SSL_KEY GIT_SSL_NO_VERIFY GIT_TEMPLATE_DIR GIT_TRACE_REDACT"
)
_REFUSED = frozenset(_REFUSED_NAMES.split())
"""What would change the fetch with GitLab Runner, and is left to the job's scripts."""


class GitSettings(NamedTuple):
    """What git is told by its environment, as `NAME=value`, and what it is not told."""

    allowed: tuple[str, ...]
    warnings: tuple[str, ...]


def read_git_settings(variables: Variables) -> GitSettings:
    """Choose among the variables of a job."""
    allowed, warnings = [], []
    for name, value in variables.as_dict().items():
        pattern = GIT_VARIABLES.get(name)
        if pattern is not None and pattern.fullmatch(value):
            allowed.append(f"{name}={value}")
        elif value and (pattern is not None or name in _REFUSED):
            why = "is not a switch or number" if pattern is not None else "is for scripts only"
            warnings.append(f"{name} does not apply to the fetch of the sources: it {why}")
    return GitSettings(tuple(allowed), tuple(warnings))

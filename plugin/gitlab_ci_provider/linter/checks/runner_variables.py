"""Variables for the runner: those that change nothing here, and values that it cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.linter.places import place
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.support import HONOURED_FLAGS
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.planner.build_settings import read_build_settings
from gitlab_ci_provider.planner.sources import variable_problems

_FORMAT = "caches are .tar.zst, except those that are saved for GitLab Runner"
_NO_EFFECT: Mapping[str, str] = {
    "CACHE_COMPRESSION_FORMAT": _FORMAT,
    "EXECUTOR_JOB_SECTION_ATTEMPTS": "it is for containers that vanish from Docker",
    "GIT_SUBMODULE_UPDATE_JOBS": "submodules are fetched one after another",
}
_READ = re.compile(
    r"AFTER_|ARTIFACT_|CACHE_|CI_DEBUG_|FF_|GIT_|RUNNER_|TRANSFER_|[A-Z_]*_ATTEMPTS$"
)
"""What the names of variables for the runner look like: a file may have thousands of others."""

_FLAG = "scripts see this feature flag of GitLab Runner as a variable"


def check_runner_variables(config: CiConfig) -> Iterator[Diagnostic]:
    """Check the names of the file's variables, where they are written."""
    yield from _found(config.variables, config.tree)
    for entry in config.jobs.values():
        yield from _found(entry.job.own_variables, entry.raw)


def _found(variables: Variables, tree: Map) -> Iterator[Diagnostic]:
    for name in variables.names:
        flag = name.startswith("FF_") and name not in HONOURED_FLAGS
        if reason := _FLAG if flag else _NO_EFFECT.get(name, ""):
            words = f"{name} changes nothing here: {reason}"
            yield warning("runner-variable", words, place(tree, "variables", name))
        for words in _value_problems(name, variables.get(name)):
            yield warning("runner-variable-value", words, place(tree, "variables", name))


def _value_problems(name: str, value: str) -> Iterator[str]:
    """Say what a job's log would say of a variable, if its value is known before the job runs."""
    if "$" in value or not _READ.match(name):
        return
    variables = Variables((Variable(name=name, value=value),))
    yield from read_build_settings(variables.get).warnings
    yield from variable_problems(variables)

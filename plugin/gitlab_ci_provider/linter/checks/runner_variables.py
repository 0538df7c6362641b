"""Variables that change what GitLab Runner does, and nothing here: nobody should rely on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.linter.places import place
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.support import HONOURED_FLAGS
from gitlab_ci_provider.model.variables import Variables

_FORMAT = "artifacts are .zip and caches .tar.zst, each with a fixed level"
_NO_EFFECT: Mapping[str, str] = {
    "ARTIFACT_COMPRESSION_LEVEL": _FORMAT,
    "CACHE_COMPRESSION_FORMAT": f"{_FORMAT}, but for caches that are saved for GitLab Runner",
    "CACHE_COMPRESSION_LEVEL": _FORMAT,
    "EXECUTOR_JOB_SECTION_ATTEMPTS": "it is for containers that vanish from Docker",
    "GIT_SUBMODULE_UPDATE_JOBS": "submodules are fetched one after another",
    "TRANSFER_METER_FREQUENCY": "transfers are not metered",
}
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

"""Variables in a runner's volumes: in paths of mounts, and in names of claims.

Unlike GitLab, only predefined variables count, with the values that no file can change: the author
of a pipeline must not choose which folder of a shared volume a job sees, or what a mount hides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Manifest
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.pods.volumes import OWN_VOLUMES
from gitlab_ci_provider.variables.expand import expand, references

CLAIM = "persistentVolumeClaim"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MOUNT = ("name", "mountPath", "subPath")
_SHOWN = 200


def with_volume_paths(runner: RunnerProfile, predefined: Variables) -> RunnerProfile:
    """Return the runner with the variables of its volumes replaced.

    Raises:
        SystemFailure: a variable is not predefined in this job, or the result cannot be used.
    """
    if not any(volume_references(runner)):
        return runner
    names = _Names(runner, predefined)
    volumes = tuple(names.volume(volume) for volume in runner.volumes)
    listed = Counter(volume.get("name") for volume in volumes)
    for name, count in listed.items():
        if count > 1 or name in OWN_VOLUMES:
            raise _wrong(runner, f"there are two volumes named '{name}'")
    mounts = tuple(names.filled(mount, _MOUNT) for mount in runner.volume_mounts)
    for mount in mounts:
        if problem := path_problem(mount):
            raise _wrong(runner, problem)
    return replace(runner, volumes=volumes, volume_mounts=mounts)


def volume_references(runner: RunnerProfile) -> Iterator[str]:
    """List the variables that volumes and mounts name."""
    for volume in runner.volumes:
        claim = volume.get(CLAIM)
        texts = (volume.get("name"), claim.get("claimName") if isinstance(claim, dict) else None)
        yield from _references(*texts)
    for mount in runner.volume_mounts:
        yield from _references(*map(mount.get, _MOUNT))


def name_problem(name: str) -> str:
    """Say why a volume cannot have this name; empty when it can."""
    return "" if _NAME.fullmatch(name) else f"'{name[:_SHOWN]}' is not a name of a volume"


def path_problem(mount: Manifest) -> str:
    """Say why a volume cannot be mounted like that; empty when it can."""
    path, below = str(mount.get("mountPath")), str(mount.get("subPath") or "")
    if not path.startswith("/") or ":" in path or ".." in path.split("/"):
        return f"'{path[:_SHOWN]}' is not an absolute path: mountPath"
    if below.startswith("/") or ".." in below.split("/"):
        return f"'{below[:_SHOWN]}' is not a path in the volume: subPath"
    return ""


class _Names:
    """Replaces the variables of one runner for one job."""

    def __init__(self, runner: RunnerProfile, predefined: Variables):
        self._runner = runner
        self._predefined = predefined
        self._known = predefined.as_dict()

    def volume(self, volume: Manifest) -> Manifest:
        """Replace those of a volume's name and claim."""
        found = dict(self.filled(volume, ("name",)))
        if problem := name_problem(str(found["name"])):
            raise _wrong(self._runner, problem)
        claim = found.get(CLAIM)
        if isinstance(claim, dict):
            found[CLAIM] = self.filled(claim, ("claimName",))
        return found

    def filled(self, manifest: Manifest, fields: tuple[str, ...]) -> Manifest:
        """Replace those of some fields."""
        return {
            key: self._text(value) if key in fields and isinstance(value, str) else value
            for key, value in manifest.items()
        }

    def _text(self, text: str) -> str:
        for name in references(text):
            if not self._known.get(name):
                raise _wrong(
                    self._runner,
                    f"'{text[:_SHOWN]}' holds the variable {name}, which is not predefined in "
                    "this job; no others count in volumes",
                )
        return expand(text, self._predefined)


def _references(*texts: object) -> Iterator[str]:
    for text in texts:
        if isinstance(text, str):
            yield from references(text)


def _wrong(runner: RunnerProfile, words: str) -> ConfigurationFailure:
    message = f"the volumes of the runner '{runner.name}': {words}"
    return ConfigurationFailure(message)

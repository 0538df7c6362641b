"""What is wrong with the volumes of a runner, before any job uses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gitlab_ci_provider.model import workspace
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Manifest
from gitlab_ci_provider.pods.volumes import OWN_VOLUMES
from gitlab_ci_provider.runners.volume_paths import name_problem, path_problem, volume_references

Problem = tuple[str, str, str]
"""Code, words, and the option that it is about."""

_PREDEFINED = ("CI_", "GITLAB_")
_OURS = "/gitlab-ci"


def volume_problems(runner: RunnerProfile) -> Iterator[Problem]:
    """List them; what has the wrong shape was reported before, and is empty."""
    for words in (*_names(runner), *_sources(runner)):
        yield "runner-volume", words, "volumes"
    for words in _mounts(runner):
        yield "runner-volume", words, "volume_mounts"
    for name in sorted(set(volume_references(runner))):
        if not name.startswith(_PREDEFINED):
            words = f"'{name}' is not a predefined variable: no others count in volumes"
            yield "runner-volume", words, "volumes"


def _names(runner: RunnerProfile) -> Iterator[str]:
    names = Counter(str(volume.get("name")) for volume in runner.volumes if volume)
    for name, count in names.items():
        if name in OWN_VOLUMES:
            yield f"the name '{name}' is used by this package"
        elif count > 1:
            yield f"there are two volumes named '{name}'"
        elif "$" not in name and (problem := name_problem(name)):
            yield problem


def _sources(runner: RunnerProfile) -> Iterator[str]:
    for volume in runner.volumes:
        sources = [key for key in volume if key != "name"]
        if volume and volume.get("name") not in OWN_VOLUMES and len(sources) != 1:
            listed = ", ".join(sources) or "none"
            yield f"the volume '{volume.get('name')}' needs one kind, and has {listed}"


def _mounts(runner: RunnerProfile) -> Iterator[str]:
    names = {volume.get("name") for volume in runner.volumes}
    paths = Counter(str(mount.get("mountPath")) for mount in runner.volume_mounts)
    for mount in filter(None, runner.volume_mounts):
        name, path = mount.get("name"), str(mount.get("mountPath"))
        if name not in names:
            yield f"there is no volume named '{name}' in 'volumes'"
        elif problem := _path_problem(mount):
            yield problem
        elif paths[path] > 1:
            yield f"two volumes are mounted at '{path}'"
        elif path.rstrip("/") == workspace.BUILDS_DIR or f"{path}/".startswith(f"{_OURS}/"):
            yield f"'{path}' is used by this package"


def _path_problem(mount: Manifest) -> str:
    """A path that begins with a variable is checked when the job starts."""
    shown = {
        key: f"/{value}" if key == "mountPath" and str(value).startswith("$") else value
        for key, value in mount.items()
    }
    return path_problem(shown)

"""A shell's check that no path of a build leads to what belongs to the pod.

What is written in the paths themselves has been checked before there is a pod. But whoever wrote
the files of a volume may have put a link there, for example from the context to the logins.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from gitlab_ci_provider.image_builds.paths import RESERVED, context_directory, dockerfile_path
from gitlab_ci_provider.model.image_build import ImageBuild

_CHECK = """\
for path in {paths}; do
  case $(readlink -f "$path") in
  {places}) echo "Error: $path is a link to what belongs to the pod" >&2; exit 1 ;;
  esac
done
"""


def link_check(build: ImageBuild) -> str:
    """Write the check; empty where no path of a build is in a volume."""
    paths = shlex.join(_paths(build))
    return _CHECK.format(paths=paths, places=" | ".join(_places())) if paths else ""


def _paths(build: ImageBuild) -> Iterator[str]:
    if directory := context_directory(build):
        yield directory
        yield dockerfile_path(build)
    given = (*(secret.file for secret in build.secrets), *build.registries.certificates.values())
    for path in filter(None, given):
        if not _is_reserved(path):  # of the pod itself, as is said openly
            yield path


def _is_reserved(path: str) -> bool:
    return any(PurePosixPath(path).is_relative_to(place) for place in RESERVED)


def _places() -> Iterator[str]:
    """List patterns of what is reserved, of what is in it, and of the folders above it."""
    above = {str(parent) for place in RESERVED for parent in PurePosixPath(place).parents}
    yield from sorted({*above, *RESERVED})
    yield from (f"{place}/*" for place in RESERVED)

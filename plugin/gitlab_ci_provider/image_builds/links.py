"""A shell's check that no path of a build leads to what belongs to the pod.

What is written in the paths themselves has been checked before there is a pod. But the author of
the files of a volume or a repository may have put a link there, for example from the context to
the logins.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from gitlab_ci_provider.image_builds.paths import RESERVED

_CHECK = """\
for path in {paths}; do
  case $(readlink -f "$path") in{own}
  {places}) echo "Error: $path is a link to what belongs to the pod" >&2; exit 1 ;;
  esac
done
"""


def link_check(paths: Iterable[str], clone: str = "") -> str:
    """Write the check; empty without paths.

    Args:
        paths: of a build.
        clone: folder of the pod that holds the build's context, and nothing else.
    """
    words = shlex.join(paths)
    own = f"\n  {clone} | {clone}/*) ;;" if clone else ""
    return _CHECK.format(paths=words, own=own, places=" | ".join(_places())) if words else ""


def _places() -> Iterator[str]:
    """List patterns of what is reserved, of what is in it, and of the folders above it."""
    above = {str(parent) for place in RESERVED for parent in PurePosixPath(place).parents}
    yield from sorted({*above, *RESERVED})
    yield from (f"{place}/*" for place in RESERVED)

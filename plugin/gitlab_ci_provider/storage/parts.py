"""Large objects in parts: one connection to a store is often slower than the network is.

The first part says how large the object is and which version of it was read. All others must be of
the same version: an object that is replaced meanwhile is never mixed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

PART = 16 * 1024 * 1024
AT_ONCE = 4
"""Parts; each takes a connection and a megabyte of memory."""

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class PartError(Exception):
    """A part is not what was asked for; another attempt may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of one version of an object.

    Attributes:
        version: the ETag; the part must be of it. Empty before the first answer.
        end: the first byte that does not belong to it.
    """

    start: int
    end: int
    version: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Return what is sent to ask for it."""
        asked = {"Range": f"bytes={self.start}-{self.end - 1}"}
        return {**asked, "If-Match": self.version} if self.version else asked


FIRST = Part(start=0, end=PART)

NONE = Part(start=0, end=1, version='"0"')
"""A part of no version: a server that sends it does not compare versions.

Such a server (rclone) may also send bytes of a new version under the name of the old one.
"""


def others(headers: Mapping[str, str]) -> list[Part] | None:
    """List the parts that are missing after the first one, from the headers of its answer.

    Empty when it was the whole object, also because the server knows no ranges; None when there is
    more of a version that the server does not name.
    """
    found = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if found is None:
        return []
    after, total = int(found[2]) + 1, int(found[3])
    version = headers.get("ETag", "")
    if after < total and not version.startswith('"'):
        return None
    return [
        Part(start=start, end=min(start + PART, total), version=version)
        for start in range(after, total, PART)
    ]


def check(part: Part, headers: Mapping[str, str]) -> None:
    """Compare an answer with what was asked for.

    Raises:
        PartError: it is another version or another part.
    """
    found = _RANGE.fullmatch(headers.get("Content-Range", ""))
    # An answer that the version is another one does not always name it.
    if headers.get("ETag", "") != part.version or not found:
        raise PartError("the object was replaced while it was fetched")
    if (int(found[1]), int(found[2]) + 1) != (part.start, part.end):
        raise PartError("the store answered with another part than was asked for")


def fetch_all(parts: list[Part], fetch: Callable[[Part], Iterator[bytes]], file: int) -> None:
    """Write parts to their places in a file, several at a time; the first error ends all.

    Args:
        parts: to fetch.
        fetch: yields the bytes of a part.
        file: its descriptor.
    """

    def write(part: Part) -> None:
        at = part.start
        for piece in fetch(part):
            at += os.pwrite(file, piece, at)
        if at != part.end:
            raise PartError(f"a part ended after {at - part.start} bytes")

    with ThreadPoolExecutor(AT_ONCE, "part") as pool:
        try:
            for done in [pool.submit(write, part) for part in parts]:
                done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

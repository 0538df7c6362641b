"""`artifacts:reports:dotenv`: what a job writes for later jobs, with GitLab's limits and words.

Source: GitLab, `Ci::ParseDotenvArtifactService` and `Ci::HasVariable`. A file is lines `KEY=value`:
no empty lines, no comments, quotes are part of a value; the last of equal keys wins.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable

from gitlab_ci_provider.exceptions import FailureReason, JobFailure
from gitlab_ci_provider.model.variables import Variable, Variables

MAX_SIZE = 5 * 1024
"""Bytes; GitLab counts those that its runner uploads, which are compressed."""

MAX_UNPACKED = 1024 * 1024
"""Bytes, our own limit: each value becomes part of an environment."""

MAX_VARIABLES = 20
MAX_KEY = 255

_KEY = re.compile(r"[a-zA-Z0-9_]+", re.ASCII)


class DotenvError(JobFailure):
    """A dotenv report is not what GitLab accepts; the message is GitLab's."""

    reason = FailureReason.SCRIPT_FAILURE


def parse_dotenv(files: Iterable[bytes]) -> Variables:
    """Read the variables of a job's dotenv files, in the order of their keys' first appearance.

    Raises:
        DotenvError: they are too big, too many, or not `KEY=value`.
    """
    contents = list(files)
    size = sum(len(gzip.compress(data, 6)) for data in contents)
    if size >= MAX_SIZE or sum(map(len, contents)) > MAX_UNPACKED:
        raise DotenvError(f"Dotenv Artifact Too Big. Maximum Allowable Size: {MAX_SIZE}")
    values = dict(pair for data in contents for pair in _pairs(_decode(data)))
    if len(values) > MAX_VARIABLES:
        raise DotenvError(f"Dotenv files cannot have more than {MAX_VARIABLES} variables")
    return Variables(Variable(name=name, value=value) for name, value in values.items())


def _decode(data: bytes) -> str:
    """Read text; Windows writes UTF-16 with a byte order mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if number == len(lines) and not line:
            return
        key, equals, value = line.partition("=")
        if not equals:
            raise DotenvError(f"Invalid Format: line {number} of the dotenv file has no `=`")
        yield _checked(key.strip()), value.strip().strip("\0")


def _checked(key: str) -> str:
    if not key:
        raise DotenvError("Validation failed: Key can't be blank")
    if len(key) > MAX_KEY:
        raise DotenvError(f"Validation failed: Key is too long (maximum is {MAX_KEY} characters)")
    if not _KEY.fullmatch(key):
        words = f"Validation failed: Key can contain only letters, digits and '_'. ({key[:40]!r})"
        raise DotenvError(words)
    return key

"""Reads XML that a stranger has written, element by element.

With the standard library's expat, which streams: a report is never in memory as a tree. Entities
that a file defines are refused, so nothing can grow (`billion laughs`); expat itself opens no other
file, so the DOCTYPE with which Cobertura's reports begin is harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, NoReturn, Protocol
from xml.parsers import expat

from gitlab_ci_provider.exceptions import GitlabCiError

MOST_BYTES = 30_000_000
"""Of one file; GitLab's limit for JUnit reports."""

_DEEPEST = 256
_CHUNK = 256 * 1024


class ReportError(GitlabCiError):
    """A report cannot be read; the message does not quote it."""


class Reader(Protocol):
    """Receives one element after another; may raise ReportError."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """A chunk of an element's text."""

    def end(self, tag: str) -> None:
        """An element ends."""


def read_xml(source: IO[bytes], reader: Reader) -> None:
    """Read a document.

    Raises:
        ReportError: it is not XML, too large, too deep, or defines entities.
        OSError: it cannot be read.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.EntityDeclHandler = _refuse_entity
    parser.CharacterDataHandler = reader.text
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ReportError(f"elements are nested more than {_DEEPEST} levels deep")
        reader.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(tag)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        for chunk in limited(source):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise ReportError(f"not well-formed XML: {error}") from error


def limited(source: IO[bytes]) -> Iterator[bytes]:
    """Read a file in pieces; raises ReportError when it is too large."""
    left = MOST_BYTES
    while chunk := source.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise ReportError(f"larger than {MOST_BYTES // 1_000_000} MB")
        yield chunk


def _refuse_entity(*_: object) -> NoReturn:
    raise ReportError("it declares entities, which reports do not need")

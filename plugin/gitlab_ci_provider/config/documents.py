"""A file's header and content: `spec:` is a YAML document of its own before the configuration.

Source: GitLab's `MultiDocYaml` and `Config::Yaml::Documents`. The text is split at lines that begin
with `---`, before anything is parsed, because inputs are put into the text of the content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.loader import load, warn_of_unread
from gitlab_ci_provider.config.raw import Map, Mark

MAX_BYTES = 20_000_000


def decode(content: bytes, path: str, diagnostics: Diagnostics) -> str | None:
    """Decode UTF-8; None after reporting what prevents it."""
    if len(content) > MAX_BYTES:
        message = f"{path} is larger than {MAX_BYTES} bytes"
        diagnostics.error("file-too-big", message, Mark(path))
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"{path} is not UTF-8: byte 0x{content[error.start]:02x}"
        diagnostics.error("file-not-utf8", message, Mark(path, line, column), "Save it as UTF-8.")
        return None


_DIVIDER = re.compile(r"^---\s+", re.MULTILINE)
_MAX_PARTS = 3


@dataclass(frozen=True, slots=True)
class Documents:
    """The parts of a file.

    Attributes:
        header: the mapping that holds `spec`; None when there is no header.
        first_line: the line of the file that the content starts at.
    """

    header: Map | None
    content: str
    first_line: int = 1


def split(text: str, path: str, diagnostics: Diagnostics) -> Documents:
    """Split a file.

    Raises:
        LoadError: a document, other than the content, is not valid YAML.
    """
    parts = _parts(text)
    if not parts:
        return Documents(None, "")
    start, first = parts[0]
    header = load(first, path, diagnostics, _line(text, start)) if len(parts) > 1 else None
    if isinstance(header, Map) and "spec" in header:
        unread, (start, content) = parts[1:-1], parts[-1]
    else:
        unread, header, content = parts[1:], None, first
    for at, document in unread:
        line = _line(text, at)
        load(document, path, Diagnostics(), line)
        warn_of_unread(diagnostics, Mark(path, line))
    return Documents(header, content, _line(text, start))


def _parts(text: str) -> list[tuple[int, str]]:
    """Return the documents with their offsets, without an empty one before a leading divider."""
    dividers = list(_DIVIDER.finditer(text))[: _MAX_PARTS - 1]
    starts = [0, *(found.end() for found in dividers)]
    ends = [*(found.start() for found in dividers), len(text)]
    parts = [(start, text[start:end]) for start, end in zip(starts, ends, strict=True)]
    return [part for part in parts if _has_content(part[1])]


def _has_content(text: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1

"""Bytes of a configuration file to text, refusing what GitLab could not read."""

from __future__ import annotations

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Mark

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

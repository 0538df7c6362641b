"""The files that the browser loads. The page itself is built from `pipeline_page/` into `static/`.

A checkout without Node.js has no built page; then the tab says how to build it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gitlab_ci_provider.model.serialization import digest

PAGE = "page.js"
BUILT = Path(__file__).with_name("static")
"""Where the build puts the page; not under version control."""

_OWN = Path(__file__).with_name("fixed")
_KINDS = {".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """A file, its media type and a name for its content."""

    content: bytes
    kind: str
    version: str


def static_file(name: str) -> StaticFile | None:
    """Find a file; None when there is none."""
    path = Path(name)
    if path.name != name or path.suffix not in _KINDS:
        return None
    for folder in (BUILT, _OWN):
        try:
            changed = (folder / name).stat().st_mtime_ns
        except OSError:
            continue
        return _read(folder / name, changed)
    return None


def page_version() -> str:
    """Name the content of the page's script; another build has another name."""
    file = static_file(PAGE)
    return file.version if file else ""


@cache
def _read(path: Path, _changed: int) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(content=content, kind=_KINDS[path.suffix], version=digest(content)[:32])

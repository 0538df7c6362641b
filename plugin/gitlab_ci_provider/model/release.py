"""`release:` of one job of one pipeline, variables expanded: what GitLab would be asked to make."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLink:
    """One of `assets:links`; `filepath` gives it a lasting address in GitLab."""

    name: str
    url: str
    filepath: str = ""
    link_type: str = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`release:`.

    Attributes:
        description: a text, or the path of a file in the project that holds it.
        ref: what the tag is made from when it does not exist.
        released_at: ISO 8601; empty means when it is made.
    """

    tag_name: str
    description: str
    tag_message: str = ""
    name: str = ""
    ref: str = ""
    milestones: tuple[str, ...] = ()
    released_at: str = ""
    links: tuple[ReleaseLink, ...] = ()

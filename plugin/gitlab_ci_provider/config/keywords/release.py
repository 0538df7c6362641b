"""`release:`: checked as GitLab does, kept as written."""

from __future__ import annotations

import re
from datetime import datetime

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    is_blank,
    mapping,
    strings_or_string,
    text,
)
from gitlab_ci_provider.config.raw import Map, Seq

KEYS = (
    "tag_name",
    "tag_message",
    "name",
    "description",
    "ref",
    "milestones",
    "released_at",
    "assets",
)
_WRONG_REF = re.compile(r"^-|^/|/$|//|\.\.|@\{|\.lock(/|$)|(^|/)\.|\.$|^@$|[\x00- \x7f~^:?*\[\\]")
_FULL_REFS = ("refs/heads/", "refs/remotes/", "refs/tags/")
"""What git refuses as the name of a branch, and what GitLab takes for no name."""

_LATER = "The release would fail to be created."
LINK_KEYS = ("name", "url", "filepath", "direct_asset_path", "link_type")
LINK_TYPES = ("other", "runbook", "image", "package")


def check_release(field: Field) -> None:
    """Report what is wrong with a release."""
    if not mapping(field, KEYS) or not isinstance(field.value, Map):
        return
    for key in ("tag_name", "description"):
        if is_blank(field.value.get(key)):
            field.refuse_as(f"{key.replace('_', ' ')} can't be blank")
    for key in ("tag_name", "tag_message", "name", "description"):
        field.get(key, text)
    field.get("ref", _ref)
    field.get("released_at", _datetime)
    field.get("milestones", strings_or_string)
    assets = field.entry("assets")
    if assets and mapping(assets, ("links",)):
        _check_links(assets)


def _ref(field: Field) -> str | None:
    ref = text(field)
    if ref and (_WRONG_REF.search(ref) or ref.startswith(_FULL_REFS) or ref == "HEAD"):
        field.refuse("must be a valid ref")
    return ref


def _datetime(field: Field) -> str | None:
    words = text(field)
    try:
        if words is not None:
            datetime.fromisoformat(words)
    except ValueError:
        field.refuse("must be a valid datetime")
    return words


def _check_links(assets: Field) -> None:
    links = assets.entry("links")
    if links is None or is_blank(links.value):
        assets.refuse_as("links can't be blank")
        return
    if not isinstance(links.value, Seq) or not all(isinstance(link, Map) for link in links.value):
        assets.refuse_as("links should be an array of hashes")
        return
    for link in links.items("link"):
        _warn_of_link(link)


def _warn_of_link(link: Field) -> None:
    """Warn: GitLab looks at links only when it creates the release, and accepts any."""
    fields = link.value if isinstance(link.value, Map) else {}
    problems = [f"{key} can't be blank" for key in ("name", "url") if is_blank(fields.get(key))]
    if unknown := [str(key) for key in fields if key not in LINK_KEYS]:
        problems.append(f"has unknown keys: {', '.join(unknown)}")
    if fields.get("link_type", LINK_TYPES[0]) not in LINK_TYPES:
        problems.append(f"link type should be one of: {', '.join(LINK_TYPES)}")
    for problem in problems:
        link.diagnostics.warning("release-link", f"{link.label} {problem}", link.mark, _LATER)

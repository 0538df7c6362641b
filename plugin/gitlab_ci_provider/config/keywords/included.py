"""One entry of `trigger:include` and `spec:include`: what GitLab checks before it reads a file.

Source: GitLab's `Entry::Include` and `Entry::Concerns::BaseInclude`.
"""

from __future__ import annotations

import base64
import binascii

from gitlab_ci_provider.config.keywords.fields import Field, is_blank
from gitlab_ci_provider.config.raw import Map, Node, Seq
from gitlab_ci_provider.model.durations import parse_duration

COMMON_KEYS = ("local", "file", "remote", "project", "ref", "integrity", "cache", "rules")
_MINUTE = 60


def check_included(field: Field) -> None:
    """Report what is wrong with an entry that is a mapping."""
    entry = field.value
    if not isinstance(entry, Map):
        return
    if entry.get("project") and is_blank(entry.get("file")):
        field.refuse("must specify the file where to fetch the config from")
    for key, wrong in (("integrity", wrong_integrity), ("cache", _wrong_cache)):
        value = entry.get(key)
        if value is None or value is False:
            continue
        if is_blank(entry.get("remote")):
            field.refuse(f"{key} can only be specified for remote includes")
        problem = wrong(value)
        if problem:
            field.refuse(f"{key} {problem}")
    rules = entry.get("rules")
    if rules is not None and not _is_rules(rules):
        field.refuse_as("rules should be an array of hashes")


def wrong_integrity(value: Node) -> str | None:
    """Say what is wrong with `integrity`, whether or not the file has that digest."""
    if not isinstance(value, str) or not value.startswith("sha256-"):
        return "hash must start with 'sha256-'"
    try:
        base64.b64decode(value.removeprefix("sha256-"), validate=True)
    except (binascii.Error, ValueError):
        return "hash must be base64 encoded"
    return None


def _wrong_cache(value: Node) -> str | None:
    if value is True:
        return None
    if not isinstance(value, str):
        return "must be a boolean or a duration string"
    seconds = parse_duration(value)
    if seconds is None:
        return "contains an invalid duration"
    return "duration must be at least 1 minute" if seconds < _MINUTE else None


def _is_rules(value: Node) -> bool:
    return isinstance(value, Seq) and all(isinstance(rule, Map) for rule in value)

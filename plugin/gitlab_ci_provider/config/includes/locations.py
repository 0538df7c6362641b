"""Entries of `include:`: every spelling to a list of places to read from.

Source: GitLab's `Gitlab::Ci::Config::External::Mapper`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from gitlab_ci_provider.config.includes.fetcher import FileFetcher
from gitlab_ci_provider.config.keywords.fields import Field, is_blank
from gitlab_ci_provider.config.keywords.included import wrong_integrity
from gitlab_ci_provider.config.keywords.rules import INCLUDE_RULES, read_rules
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq, to_data
from gitlab_ci_provider.model.rules import When
from gitlab_ci_provider.rules.globs import compile_wildcards
from gitlab_ci_provider.rules.match import RuleError, rule_matches
from gitlab_ci_provider.rules.view import RuleView
from gitlab_ci_provider.variables.expand import expand_or_drop

KINDS = ("local", "project", "remote", "template", "artifact", "component")
KEYS = (*KINDS, "file", "ref", "rules", "inputs", "integrity", "cache", "job")
_URL = re.compile(r"^https?://")
_EITHER = f"Each include must use only one of: `{'`, `'.join(KINDS)}`"
_NONE = f"does not have a valid subkey for include. Valid subkeys are: `{'`, `'.join(KINDS)}`"
_ARTIFACT = "Including configs from artifacts is only allowed when triggering child pipelines"
_SHAPE = "Each include must be a hash or a string"


@dataclass(frozen=True, slots=True)
class Location:
    """One file to include.

    Attributes:
        path: of the file; for `component` the whole address.
        inputs: values for its `spec:inputs`.
    """

    kind: str
    path: str
    mark: Mark
    inputs: Mapping[str, Node]
    project: str | None = None
    ref: str | None = None
    integrity: str | None = None


class Listed(NamedTuple):
    """What an `include:` names; `emptied` is whether its rules leave out all of it."""

    locations: list[Location]
    emptied: bool


def read_locations(
    field: Field, view: RuleView, fetcher: FileFetcher, taken: Collection[str] = ()
) -> Listed:
    """List the files that an `include:` names, without those that its rules leave out.

    `taken` are local files that were included before: wildcards leave them out.
    """
    items = list(field.items()) if isinstance(field.value, Seq) else [field]
    written = [entry for entry in items if entry.value is not None]
    kept = [entry for entry in written if not _left_out(entry, view)]
    found: list[Location] = []
    for entry in kept:
        found.extend(_wild(_read(entry, view), fetcher, taken))
    if isinstance(field.value, Map) and not found and not field.diagnostics.failed:
        hint = "Write a list: GitLab rejects a single include whose rules do not match."
        words = "include config should be an array or a string"
        field.diagnostics.warning("include-left-out", words, field.mark, hint)
    return Listed(found, emptied=bool(written) and not kept)


def _read(field: Field, view: RuleView) -> Iterator[Location]:
    value = field.value
    if isinstance(value, str):
        path = expand_or_drop(value, view.variables)
        kind = "remote" if _URL.match(path) else "local"
        written = Map(field.mark, [(kind, path)])
        if _kind(field, written):
            yield Location(kind, path, field.mark, {})
        return
    if not isinstance(value, Map):
        field.diagnostics.error("include-shape", _SHAPE, field.mark)
        return
    chosen = _kind(field, _expanded(value, view))
    if chosen and _complete(field, value):
        yield from _of_kind(field, value, chosen, view)


def _kind(field: Field, value: Map) -> str | None:
    """Return the kind of include: the key that says where to read from."""
    kinds = [key for key in KINDS if not is_blank(value.get(key))]
    if len(kinds) > 1:
        field.diagnostics.error("include-ambiguous", _EITHER, field.mark)
    elif not kinds:
        shown = json.dumps(to_data(value), ensure_ascii=False, separators=(",", ":"))
        hints = (field.diagnostics.meant(key, KINDS) for key in value)
        hint = next((found for found in hints if found), None)
        field.diagnostics.error("include-unknown", f"`{shown}` {_NONE}", field.mark, hint)
    elif kinds == ["artifact"]:
        field.diagnostics.error("include-artifact", _ARTIFACT, field.mark)
    else:
        return kinds[0]
    return None


def _complete(field: Field, value: Map) -> bool:
    problem = ""
    _warn_of_unknown(field, value)
    if value.get("project") and not value.get("file"):
        problem = "must specify the file where to fetch the config from"
    elif value.get("remote") and value.get("integrity"):
        wrong = wrong_integrity(value["integrity"])
        problem = f"integrity {wrong}" if wrong else ""
    if problem:
        field.diagnostics.error("include-incomplete", f"include config {problem}", field.mark)
    return not problem


def _warn_of_unknown(field: Field, value: Map) -> None:
    """Warn of what GitLab ignores here silently."""
    ignored = [key for key in value if key not in KEYS]
    if value.get("integrity") and not value.get("remote"):
        ignored.append("integrity")
    if ignored:
        words = f"include config contains keys that have no effect here: {', '.join(ignored)}"
        field.diagnostics.warning("include-ignored-key", words, value.place(ignored[0]))


def _of_kind(field: Field, value: Map, kind: str, view: RuleView) -> Iterator[Location]:
    names = value.get("file") if kind == "project" else value.get(kind)
    listed = list(names) if isinstance(names, Seq) and kind == "project" else [names]
    inputs = value.get("inputs")
    if inputs is not None and not isinstance(inputs, Map):
        words = f"`{', '.join(str(name) for name in listed)}`: Given inputs must be a hash"
        field.diagnostics.error("inputs-invalid", words, value.place("inputs"))
        return
    for name in listed:
        if not isinstance(name, str) or not name:
            what = "file" if kind == "project" else kind
            field.refuse(f"must specify the {what} to include as a text", "include-no-file")
            continue
        location = Location(
            kind=kind,
            path=name if kind == "local" and "*" in name else expand_or_drop(name, view.variables),
            mark=value.place("file" if kind == "project" else kind),
            inputs=inputs if isinstance(inputs, Map) else {},
            project=_text(value.get("project"), view),
            ref=_text(value.get("ref"), view),
            integrity=_text(value.get("integrity"), view),
        )
        yield location


def _left_out(field: Field, view: RuleView) -> bool:
    rules = field.read("rules", lambda entry: read_rules(_renamed(entry), INCLUDE_RULES))
    if not rules:
        return False
    try:
        matching = next((rule for rule in rules if rule_matches(rule, view)), None)
    except RuleError as problem:
        field.refuse(str(problem), "rules-broken")
        return True
    return matching is None or matching.when is When.NEVER


def _renamed(rules: Field) -> Field:
    """Call the entries `include:rule`, as GitLab does."""
    return replace(rules, label="include")


def _wild(
    locations: Iterable[Location], fetcher: FileFetcher, taken: Collection[str]
) -> Iterator[Location]:
    """Expand wildcards of local files: `**` crosses folders, `*` does not."""
    for location in locations:
        if location.kind != "local":
            yield location
            continue
        path = location.path.lstrip("/")
        if "*" not in path:
            yield replace(location, path=path)
            continue
        pattern = compile_wildcards(path)
        for name in sorted(fetcher.paths()):
            if name not in taken and pattern and pattern.found_in(name):
                yield replace(location, path=name)


def _expanded(value: Map, view: RuleView) -> Map:
    """Return what says where to read from, with its variables expanded."""
    texts = {key: _text(item, view) for key, item in value.items()}
    items = ((key, texts[key] if isinstance(item, str) else item) for key, item in value.items())
    return Map(value.mark, items)


def _text(value: Node, view: RuleView) -> str | None:
    return expand_or_drop(value, view.variables) if isinstance(value, str) else None

"""Entries of `include:`: every spelling to a list of places to read from.

Source: GitLab's `Gitlab::Ci::Config::External::Mapper`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitlab_ci_provider.config.includes.fetcher import FileFetcher
from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.keywords.rules import INCLUDE_RULES, read_rules
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.model.rules import When
from gitlab_ci_provider.rules.match import RuleError, rule_matches
from gitlab_ci_provider.rules.view import RuleView
from gitlab_ci_provider.variables.expand import expand_known

KINDS = ("local", "project", "remote", "template", "component")
KEYS = (*KINDS, "file", "ref", "rules", "inputs", "integrity", "artifact", "job")
_INTEGRITY = re.compile(r"^sha256-[A-Za-z0-9+/]{43}=$")
_URL = re.compile(r"^https?://")


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
    inputs_given: bool = False
    project: str | None = None
    ref: str | None = None
    integrity: str | None = None


def read_locations(field: Field, view: RuleView, fetcher: FileFetcher) -> list[Location]:
    """List the files that an `include:` names, those that its rules leave out not among them."""
    found: list[Location] = []
    for entry in _entries(field):
        found.extend(_read(entry, view, fetcher))
    return found


def _entries(field: Field) -> Iterator[Field]:
    if isinstance(field.value, Seq):
        for item in field.items():
            yield from _entries(item)
    elif field.value is not None:
        yield field


def _read(field: Field, view: RuleView, fetcher: FileFetcher) -> Iterator[Location]:
    value = field.value
    if isinstance(value, str):
        kind = "remote" if _URL.match(value) else "local"
        yield from _files(Location(kind, _expand(value, view), field.mark, {}), fetcher)
        return
    if not isinstance(value, Map):
        field.refuse("should be an array of hashes or strings")
        return
    kinds = [key for key in KINDS if value.get(key) is not None]
    kind = kinds[0] if kinds else ""
    if len(kinds) > 1:
        words = f"Each include must use only one of: `{'`, `'.join(KINDS)}`"
        field.report.error("include-ambiguous", words, field.mark)
        return
    if not kind:
        words = "does not have a valid subkey for include. Valid subkeys are: "
        field.report.error(
            "include-unknown", f"`{_shown(value)}` {words}`{'`, `'.join(KINDS)}`", field.mark
        )
        return
    field.only(KEYS)
    if not _complete(field, value) or _left_out(field, view):
        return
    yield from _of_kind(field, value, kind, view, fetcher)


def _complete(field: Field, value: Map) -> bool:
    problem = ""
    if value.get("artifact") and not value.get("job"):
        problem = "must specify the job where to fetch the artifact from"
    elif value.get("project") and not value.get("file"):
        problem = "must specify the file where to fetch the config from"
    elif value.get("integrity") and not value.get("remote"):
        problem = "integrity can only be specified for remote includes"
    elif value.get("integrity") and not _INTEGRITY.match(str(value["integrity"])):
        problem = "integrity hash must start with 'sha256-' and be base64 encoded"
    if problem:
        field.report.error("include-incomplete", f"include config {problem}", field.mark)
    return not problem


def _of_kind(
    field: Field, value: Map, kind: str, view: RuleView, fetcher: FileFetcher
) -> Iterator[Location]:
    names = value.get("file") if kind == "project" else value.get(kind)
    listed = list(names) if isinstance(names, Seq) and kind == "project" else [names]
    inputs = value.get("inputs")
    for name in listed:
        if not isinstance(name, str) or not name:
            what = "file" if kind == "project" else kind
            field.refuse(f"must specify the {what} to include as a text", "include-no-file")
            continue
        location = Location(
            kind=kind,
            path=_expand(name, view),
            mark=value.place("file" if kind == "project" else kind),
            inputs=inputs if isinstance(inputs, Map) else {},
            inputs_given=inputs is not None,
            project=_text(value.get("project"), view),
            ref=_text(value.get("ref"), view),
            integrity=_text(value.get("integrity"), view),
        )
        yield from _files(location, fetcher)


def _left_out(field: Field, view: RuleView) -> bool:
    rules = field.read("rules", lambda entry: read_rules(entry, INCLUDE_RULES))
    if not rules:
        return False
    try:
        matching = next((rule for rule in rules if rule_matches(rule, view)), None)
    except RuleError as problem:
        field.refuse(str(problem), "rules-broken")
        return True
    return matching is None or matching.when is When.NEVER


def _files(location: Location, fetcher: FileFetcher) -> Iterator[Location]:
    """Expand wildcards of local files: `**` crosses folders, `*` does not."""
    if location.kind != "local":
        yield location
        return
    path = location.path.lstrip("/")
    if "*" not in path:
        yield _at(location, path)
        return
    pattern = re.compile(
        re.escape(path).replace(r"\*\*", ".*?").replace(r"\*", "[^/]*?") + r"\Z", re.DOTALL
    )
    for name in sorted(fetcher.paths()):
        if pattern.match(name) and name.endswith((".yml", ".yaml")):
            yield _at(location, name)


def _at(location: Location, path: str) -> Location:
    return Location(location.kind, path, location.mark, location.inputs, location.inputs_given)


def _expand(text: str, view: RuleView) -> str:
    return expand_known(text, view.expanded)


def _text(value: Node, view: RuleView) -> str | None:
    return _expand(value, view) if isinstance(value, str) else None


def _shown(value: Map) -> str:
    return "{" + ", ".join(f"{key}: {item}" for key, item in value.items()) + "}"

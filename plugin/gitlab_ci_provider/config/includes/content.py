"""One file's bytes to its tree: header, inputs, interpolation, YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.documents import Documents, decode, split
from gitlab_ci_provider.config.includes.origin import Origin
from gitlab_ci_provider.config.inputs.block import Scope
from gitlab_ci_provider.config.inputs.functions import Known
from gitlab_ci_provider.config.inputs.interpolate import Problem, interpolate, interpolate_text
from gitlab_ci_provider.config.inputs.references import check_references
from gitlab_ci_provider.config.inputs.spec import read_header
from gitlab_ci_provider.config.inputs.tags import NEWER, tagged
from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.config.yaml_errors import LoadError
from gitlab_ci_provider.model.input_spec import InputSpec
from gitlab_ci_provider.rules.inputs import numbers_of_texts, resolve_inputs

_NO_SPEC = "Given inputs not defined in the `spec` section of the included configuration file"

_NOT_IN_COMPONENTS = "This keyword is not supported in components"
_UNQUOTED = "GitLab rejects this file: it is not valid YAML until its blocks are replaced"

_NOT_A_HASH = "Write jobs and keywords as `name: value`; the file has none of them."

SharedInputs = Callable[[Field], Mapping[str, InputSpec]]
"""Reads the files of `spec:include`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed to read a file besides its bytes.

    Attributes:
        given: values for its inputs.
        known: variables from before the pipeline, for `expand_vars`.
        prefix: put before messages about its content; empty for the main file.
        at: where it is included from.
        show: is told the inputs that the file takes.
    """

    given: Mapping[str, object]
    known: Known
    shared: SharedInputs
    prefix: str
    at: Mark
    show: Callable[[Mapping[str, InputSpec]], None]


def read_tree(origin: Origin, reading: Reading, diagnostics: Diagnostics) -> Map | None:
    """Read a file; None after reporting why it cannot be read."""
    text = decode(origin.content, origin.name, diagnostics)
    if text is None:
        return None
    if not text.strip():
        diagnostics.error(
            "file-empty", f"Please provide content of {origin.name}", Mark(origin.name)
        )
        return None
    try:
        documents = split(text, origin.name, diagnostics)
        if documents.header is None:
            if reading.given:
                diagnostics.error("inputs-without-spec", reading.prefix + _NO_SPEC, reading.at)
                return None
            node = load(documents.content, origin.name, diagnostics, documents.first_line)
            return _tree(node, origin, reading, diagnostics)
        scope = _scope(origin, documents.header, reading, diagnostics)
        return _interpolated(origin, documents, scope, reading, diagnostics) if scope else None
    except LoadError as error:
        diagnostics.error(error.code, reading.prefix + error.message, error.mark, error.hint)
        return None


def _scope(origin: Origin, header: Map, reading: Reading, diagnostics: Diagnostics) -> Scope | None:
    before = len(diagnostics.found)
    field = Field(header, "header", "header config", Mark(origin.name), diagnostics)
    read = read_header(field)
    if read.include and origin.component:
        words = f"Component `{origin.shown}` cannot use `spec:include`. {_NOT_IN_COMPONENTS}"
        diagnostics.error("component-include", words, read.include.mark)
        return None
    shared = reading.shared(read.include) if read.include else {}
    specs = {**shared, **read.inputs}
    _warn_of_twice(field, [name for name in shared if name in read.inputs])
    check_references(specs, field)
    if len(diagnostics.found) > before and diagnostics.failed:
        return None
    reading.show(specs)
    given = reading.given if reading.prefix else numbers_of_texts(specs, reading.given)
    problems, deferred = tagged(specs, given)
    values, others = resolve_inputs(specs, given) if not problems else ({}, [])
    problems += others
    if deferred:
        words = f"{reading.prefix}inputs contain a !reference tag"
        diagnostics.warning("inputs-reference", words, reading.at, NEWER)
    if problems:
        diagnostics.error("inputs-invalid", reading.prefix + ", ".join(problems), reading.at)
        return None
    about = {key: origin.component[key] for key in read.component if key in origin.component}
    return Scope({"inputs": values, "component": about}, reading.known)


def _warn_of_twice(header: Field, names: Sequence[str]) -> None:
    """Say that newer versions of GitLab refuse what older ones merge."""
    if names:
        words = f"Duplicate input keys found: {', '.join(names)}"
        hint = "GitLab 18.11 and later reject this; here the file's own input is used."
        header.diagnostics.warning("inputs-duplicate", words, header.mark, hint)


def _interpolated(
    origin: Origin, documents: Documents, scope: Scope, reading: Reading, diagnostics: Diagnostics
) -> Map | None:
    try:
        node = load(documents.content, origin.name, diagnostics, documents.first_line)
    except LoadError as error:
        if "$[[" not in documents.content or error.code != "yaml-syntax":
            raise
        return _from_text(origin, documents, scope, reading, diagnostics)
    tree = _tree(node, origin, reading, diagnostics)
    if tree is None:
        return None
    replaced, problems = interpolate(tree, scope)
    return None if _refused(problems, reading, diagnostics) else replaced


def _from_text(
    origin: Origin, documents: Documents, scope: Scope, reading: Reading, diagnostics: Diagnostics
) -> Map | None:
    """Read a file that is YAML only once its blocks are replaced.

    Unlike GitLab, which refuses it: `[$[[ inputs.x ]]]` without quotes is not valid YAML.
    """
    mark = Mark(origin.name, documents.first_line)
    text, problems = interpolate_text(documents.content, scope, mark)
    if _refused(problems, reading, diagnostics):
        return None
    node = load(text, origin.name, diagnostics, documents.first_line)
    diagnostics.warning("interpolation-unquoted", _UNQUOTED, mark, "Put the blocks in quotes.")
    return _tree(node, origin, reading, diagnostics)


def _refused(problems: Sequence[Problem], reading: Reading, diagnostics: Diagnostics) -> bool:
    for problem in problems:
        words = reading.prefix + problem.words
        diagnostics.error("interpolation", words, problem.mark, problem.hint)
    return bool(problems)


def _tree(node: object, origin: Origin, reading: Reading, diagnostics: Diagnostics) -> Map | None:
    if reading.prefix and (node is None or node == {}):
        words = f"Included file `{origin.shown}` does not have valid YAML syntax!"
        diagnostics.error("yaml-empty", words, Mark(origin.name))
        return None
    if isinstance(node, Map):
        return node
    words = f"{reading.prefix}Invalid configuration format"
    diagnostics.error("yaml-not-a-hash", words, Mark(origin.name), _NOT_A_HASH)
    return None

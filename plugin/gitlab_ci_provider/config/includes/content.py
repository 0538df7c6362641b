"""One file's bytes to its tree: header, inputs, interpolation, YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitlab_ci_provider.config.documents import split
from gitlab_ci_provider.config.includes.origin import Origin
from gitlab_ci_provider.config.inputs.interpolate import interpolate
from gitlab_ci_provider.config.inputs.spec import Header, InputSpec, read_header
from gitlab_ci_provider.config.inputs.values import resolve_inputs
from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.loader import LoadError, load
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.config.report import Report
from gitlab_ci_provider.config.text import decode

_NO_SPEC = "Given inputs not defined in the `spec` section of the included configuration file"

SharedInputs = Callable[[Field], Mapping[str, InputSpec]]
"""Reads the files of `spec:include`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed to read a file besides its bytes.

    Attributes:
        given: values for its inputs.
        variables: expanded, those from before the pipeline, for `expand_vars`.
        prefix: put before messages about its content; empty for the main file.
        at: where it is included from.
    """

    given: Mapping[str, object]
    variables: Mapping[str, str]
    shared: SharedInputs
    prefix: str
    at: Mark


def read_tree(origin: Origin, reading: Reading, report: Report) -> Map | None:
    """Read a file; None after reporting why it cannot be read."""
    text = decode(origin.content, origin.name, report)
    if text is None:
        return None
    if not text.strip():
        report.error("file-empty", f"Please provide content of {origin.name}", Mark(origin.name))
        return None
    try:
        documents = split(text, origin.name, report)
        content = documents.content
        if documents.header is None:
            if reading.given and reading.prefix:
                report.error("inputs-without-spec", reading.prefix + _NO_SPEC, reading.at)
                return None
        else:
            replaced = _interpolate(origin, documents.header, content, reading, report)
            if replaced is None:
                return None
            content = replaced
        return _tree(load(content, origin.name, report, documents.first_line), origin, report)
    except LoadError as error:
        report.error(error.code, reading.prefix + error.message, error.mark)
        return None


def _interpolate(
    origin: Origin, header: Map, content: str, reading: Reading, report: Report
) -> str | None:
    before = len(report.diagnostics)
    field = Field(header, "header", "header config", Mark(origin.name), report)
    read = read_header(field)
    specs = {**(reading.shared(read.include) if read.include else {}), **read.inputs}
    if len(report.diagnostics) > before and report.failed:
        return None
    values, problems = resolve_inputs(specs, reading.given)
    if problems:
        report.error("inputs-invalid", reading.prefix + ", ".join(problems), reading.at)
        return None
    text, problems = interpolate(content, _scope(read, values, origin), reading.variables)
    if problems:
        report.error("interpolation", reading.prefix + ", ".join(problems), Mark(origin.name))
        return None
    return text


def _scope(header: Header, values: Mapping[str, object], origin: Origin) -> dict[str, object]:
    about = {key: origin.component.get(key, "") for key in header.component}
    return {"inputs": values, **({"component": about} if header.component else {})}


def _tree(node: object, origin: Origin, report: Report) -> Map | None:
    if isinstance(node, Map):
        return node
    report.error("yaml-not-a-hash", "Invalid configuration format", Mark(origin.name))
    return None

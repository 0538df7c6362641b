"""GitLab Runner's config.toml to a file of runners: every option is mapped or reported."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation, error, warning
from gitlab_ci_provider.runners.toml_kubernetes import RUNNER_SHAPES, SHAPES, Converted
from gitlab_ci_provider.runners.toml_lines import Path, toml_lines
from gitlab_ci_provider.runners.toml_options import (
    COPIED,
    LEFT_OUT,
    RUNNER_COPIED,
    RUNNER_LEFT_OUT,
)

_GLOBAL = "is about the runner's own process"
_TAGS = (
    "GitLab's server keeps a runner's tags, whether it runs untagged jobs, and whether it is "
    "protected: add `tags`, `run_untagged` and `access_level`"
)
_READ = frozenset({"name", "executor", "kubernetes"})
_CACHE = (
    "only Path, Shared and BucketName are taken over: make an Airflow connection to the object "
    "store with its address and keys, and name it in `cache: {connection: ...}`"
)
_EXECUTOR = "only runners with the executor 'kubernetes' can be imported"


@dataclass(frozen=True, slots=True)
class _Options:
    """How the options of one table are taken over, or why they are not."""

    copied: Mapping[str, str]
    shapes: Mapping[str, Callable[[Any], Converted]]
    left_out: Mapping[str, str]


_RUNNER = _Options(RUNNER_COPIED, RUNNER_SHAPES, RUNNER_LEFT_OUT)
_KUBERNETES = _Options(COPIED, SHAPES, LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Imported:
    """A file of runners as YAML, and what was not taken over."""

    text: str
    diagnostics: tuple[Diagnostic, ...]


class _Report:
    """Collects what is not taken over, each with its line."""

    def __init__(self, file: str, lines: Mapping[Path, int]):
        self.found: list[Diagnostic] = []
        self._file = file
        self._lines = lines

    def note(self, code: str, words: str, path: Path) -> None:
        """Note something about an option."""
        if (*path, 0) in self._lines:
            path = (*path, 0)  # of a list of tables, the first
        while path and path not in self._lines:
            path = path[:-1]
        place = SourceLocation(file=self._file, line=self._lines.get(path, 1))
        self.found.append(warning(code, words, place))


def import_toml(content: bytes, file: str) -> Imported:
    """Read a config.toml."""
    text = content.decode("utf-8", "replace")
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        return Imported("", (error("toml-syntax", str(problem), SourceLocation(file=file)),))
    report = _Report(file, toml_lines(text))
    for key in config:
        if key != "runners":
            report.note("runner-option-left-out", f"{key}: {_GLOBAL}", (key,))
    found = config.get("runners", [])
    runners = [
        runner
        for position, one in enumerate(found if isinstance(found, list) else [])
        if (runner := _runner(one, ("runners", position), report))
    ]
    if not runners:
        report.note("runner-none", "there is no runner to import", ("runners",))
    written = yaml.safe_dump({"runners": runners}, sort_keys=False, allow_unicode=True, width=100)
    ordered = sorted(report.found, key=lambda one: one.location)
    return Imported(written if runners else "", tuple(ordered))


def _runner(options: Mapping[str, Any], path: Path, report: _Report) -> dict[str, Any]:
    if options.get("executor") != "kubernetes":
        report.note("runner-executor", _EXECUTOR, (*path, "executor"))
        return {}
    name = str(options.get("name") or f"runner-{path[-1]}")
    runner: dict[str, Any] = {"name": name}
    report.note("runner-tags", f"runner '{name}': {_TAGS}", path)
    kubernetes = options.get("kubernetes", {})
    own = {key: value for key, value in options.items() if key not in _READ}
    _take_over(runner, own, _RUNNER, path, report)
    if "cache" in own:
        report.note("runner-cache", _CACHE, (*path, "cache"))
    _take_over(runner, kubernetes, _KUBERNETES, (*path, "kubernetes"), report)
    return runner


def _take_over(
    runner: dict[str, Any],
    given: Mapping[str, Any],
    options: _Options,
    path: Path,
    report: _Report,
) -> None:
    """Take over the options of a table."""
    for key, value in given.items():
        place = (*path, key)
        if key in options.copied:
            if not _is_empty(value):
                _put(runner, options.copied[key].split("."), value)
        elif key in options.shapes:
            for target, converted in _converted(key, value, options, place, report):
                _put(runner, target.split("."), converted)
        else:
            _left_out(key, options.left_out, place, report)


def _converted(
    key: str, value: Any, options: _Options, place: Path, report: _Report
) -> Iterator[tuple[str, Any]]:
    try:
        yield from options.shapes[key](value)
    except (AttributeError, TypeError, ValueError, KeyError) as problem:
        report.note("runner-value", f"{key}: cannot be read: {problem}", place)


def _left_out(key: str, reasons: Mapping[str, str], path: Path, report: _Report) -> None:
    reason = reasons.get(key)
    if reason is None:
        report.note("runner-unknown-key", f"{key}: is not an option of GitLab Runner", path)
    else:
        report.note("runner-option-left-out", f"{key}: {reason}", path)


def _put(runner: dict[str, Any], target: Sequence[str], value: Any) -> None:
    """Set an option; lists that come from several options are joined."""
    *groups, last = target
    for group in groups:
        runner = runner.setdefault(group, {})
    if isinstance(value, list) and isinstance(runner.get(last), list):
        runner[last] = [*runner[last], *value]
    else:
        runner[last] = value


def _is_empty(value: Any) -> bool:
    return value in ("", [], {})

"""GitLab Runner's config.toml to a file of runners: every option is mapped or reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.raw import Mark
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity
from gitlab_ci_provider.runners.toml_kubernetes import RUNNER_SHAPES, SHAPES
from gitlab_ci_provider.runners.toml_lines import Path, toml_lines
from gitlab_ci_provider.runners.toml_lists import Converted, Wrong
from gitlab_ci_provider.runners.toml_options import (
    COPIED,
    LEFT_OUT,
    RUNNER_COPIED,
    RUNNER_LEFT_OUT,
)
from gitlab_ci_provider.runners.toml_reading import has_time, read_toml
from gitlab_ci_provider.runners.toml_result import Target, result_problems

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
_NEWER = "the newer `pre_get_sources_script` counts"
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

    @property
    def works(self) -> bool:
        """Whether there are runners, and nothing keeps them from being used."""
        errors = (found.severity is Severity.ERROR for found in self.diagnostics)
        return bool(self.text) and not any(errors)


class _Report:
    """Collects what is not taken over, each with its line."""

    def __init__(self, file: str, text: str, diagnostics: Diagnostics):
        self._file = file
        self._lines = toml_lines(text)
        self._diagnostics = diagnostics

    def note(self, code: str, words: str, path: Path) -> None:
        """Note something about an option."""
        self._diagnostics.warning(code, words, Mark(self._file, self.line(path)))

    def line(self, path: Path) -> int:
        """Find the line of an option, or that of the table which holds it."""
        if (*path, 0) in self._lines:
            path = (*path, 0)  # of a list of tables, the first
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)


def import_toml(content: bytes, file: str) -> Imported:
    """Read a config.toml."""
    diagnostics = Diagnostics()
    written = ""
    read = read_toml(content, file, diagnostics)
    if read is not None:
        text, config = read
        written = _written(config, _Report(file, text, diagnostics), diagnostics, file)
    ordered = sorted(diagnostics.found, key=lambda one: one.location)
    return Imported(written, tuple(ordered))


def _written(
    config: Mapping[str, Any], report: _Report, diagnostics: Diagnostics, file: str
) -> str:
    """Write the runners as YAML, and note what is wrong with them."""
    for key in config:
        if key != "runners":
            report.note("runner-option-left-out", f"{key}: {_GLOBAL}", (key,))
    found = config.get("runners", [])
    if not isinstance(found, list):
        report.note("runner-value", "runners: must be a list: [[runners]]", ("runners",))
        found = []
    runners: list[_Runner] = []
    for position, one in enumerate(found):
        runner = _Runner(("runners", position), report)
        if runner.read(one):
            runners.append(runner)
    if not runners:
        report.note("runner-none", "there is no runner to import", ("runners",))
        return ""
    listed = {"runners": [runner.options for runner in runners]}
    written = yaml.safe_dump(listed, sort_keys=False, allow_unicode=True, width=100)
    places: dict[Target, int] = {
        (number, target): report.line(path)
        for number, runner in enumerate(runners)
        for target, path in runner.places.items()
    }
    starts = {number: report.line(runner.path) for number, runner in enumerate(runners)}
    diagnostics.extend(result_problems(written, places, file, starts))
    return written


class _Runner:
    """One runner on its way.

    Attributes:
        path: of its table.
        options: of the file of runners.
        places: where each of them comes from.
    """

    def __init__(self, path: Path, report: _Report):
        self.path = path
        self.options: dict[str, Any] = {}
        self.places: dict[tuple[str, ...], Path] = {}
        self._report = report

    def read(self, given: Any) -> bool:
        """Read its table; False when there is nothing to import."""
        if not isinstance(given, Mapping):
            self._report.note("runner-value", "a runner must be a table: [[runners]]", self.path)
            return False
        if given.get("executor") != "kubernetes":
            self._report.note("runner-executor", _EXECUTOR, (*self.path, "executor"))
            return False
        name = str(given.get("name") or f"runner-{self.path[-1]}")
        self._put("name", name, (*self.path, "name"))
        self._report.note("runner-tags", f"runner '{name}': {_TAGS}", self.path)
        own = {key: value for key, value in given.items() if key not in _READ}
        if own.get("pre_get_sources_script") and own.pop("pre_clone_script", None):
            path = (*self.path, "pre_clone_script")
            self._report.note("runner-option-left-out", f"pre_clone_script: {_NEWER}", path)
        self._take_over(own, _RUNNER, self.path)
        if "cache" in own:
            self._report.note("runner-cache", _CACHE, (*self.path, "cache"))
        self._take_over(given.get("kubernetes", {}), _KUBERNETES, (*self.path, "kubernetes"))
        return True

    def _take_over(self, given: Any, options: _Options, path: Path) -> None:
        """Take over the options of a table."""
        if not isinstance(given, Mapping):
            self._report.note("runner-value", f"{path[-1]}: must be a table", path)
            return
        for key, value in given.items():
            place = (*path, key)
            if key not in options.copied and key not in options.shapes:
                self._left_out(key, options.left_out, place)
            elif has_time(value):
                self._report.note("runner-value", f"{key}: is a date or a time", place)
            elif key in options.shapes:
                for target, converted in self._converted(key, value, options, place):
                    self._put(target, converted, place)
            elif not _is_empty(value):
                self._put(options.copied[key], value, place)

    def _converted(
        self, key: str, value: Any, options: _Options, place: Path
    ) -> Iterator[tuple[str, Any]]:
        try:
            for converted in options.shapes[key](value):
                if isinstance(converted, Wrong):
                    self._report.note("runner-value", f"{key}: {converted.words}", place)
                else:
                    yield converted
        except (AttributeError, TypeError, ValueError, KeyError):
            words = "does not have the form that GitLab Runner documents"
            self._report.note("runner-value", f"{key}: {words}", place)

    def _left_out(self, key: str, reasons: Mapping[str, str], path: Path) -> None:
        reason = reasons.get(key)
        if reason is None:
            words = f"{key}: is not an option of GitLab Runner"
            self._report.note("runner-unknown-key", words, path)
        else:
            self._report.note("runner-option-left-out", f"{key}: {reason}", path)

    def _put(self, target: str, value: Any, path: Path) -> None:
        """Set an option."""
        *groups, last = target.split(".")
        options = self.options
        for group in groups:
            options = options.setdefault(group, {})
        options[last] = value
        self.places[(*groups, last)] = path


def _is_empty(value: Any) -> bool:
    return value in ("", [], {})

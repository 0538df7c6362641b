"""Variables that control how the runner runs a job, read as its `common/build_settings.go` does.

What cannot be read does not fail the job: it counts as its default, and the job's log warns of it.

Unlike GitLab, a cache transfer has no time limit unless CACHE_REQUEST_TIMEOUT sets one: while data
arrives, slow is not broken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import cast, get_args

from gitlab_ci_provider.model.plan import CompressionLevel

Lookup = Callable[[str], str]
"""Gives the value of a variable; empty when there is none."""

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""What Go's `ParseBool` accepts."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_DURATION = re.compile(r"(?P<sign>[+-]?)(?P<parts>(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[a-zµμ]+)+)")
_PART = re.compile(r"(?P<number>[0-9.]+)(?P<unit>[a-zµμ]+)")
_UNITS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
"""What Go's `ParseDuration` accepts, in seconds."""

_MOST_ATTEMPTS = 10
_AFTER_SCRIPT_SECONDS = 300
_LONGEST_SECONDS = 31_536_000
"""A year: shells count in whole numbers that are not endless."""


@dataclass(frozen=True, slots=True)
class VariableReader:
    """Reads variables; collects a warning for each that cannot be read."""

    get: Lookup
    warnings: list[str] = field(default_factory=list)

    def boolean(self, name: str, *, default: bool) -> bool:
        """Read true or false."""
        text = self.get(name)
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if text:
            self._warn(name, "bool", text, str(default).lower())
        return default

    def number(self, name: str, default: int) -> int:
        """Read a whole number."""
        text = self.get(name)
        if _NUMBER.fullmatch(text):
            return int(text)
        if text:
            self._warn(name, "int", text, str(default))
        return default

    def attempts(self, name: str) -> int:
        """Read how often a stage is tried, 1 to 10."""
        number = self.number(name, 1)
        clamped = max(1, min(_MOST_ATTEMPTS, number))
        if clamped != number:
            said = f"number of attempts out of the range [1, {_MOST_ATTEMPTS}]"
            self.warnings.append(f"{name}: {said}, clamping to: {clamped}")
        return clamped

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """Read one of some words."""
        text = self.get(name) or default
        if text in choices:
            return text
        listed = f"'{choices[0]}'" + "".join(f", '{word}'" for word in choices[1:-1])
        self._warn(name, f"either {listed} or '{choices[-1]}'", text, f"'{default}'")
        return default

    def seconds(self, name: str, default: int) -> int:
        """Read a duration as Go writes it (`1h30m`, `90s`, `1.5h`); 0 counts as the default."""
        text = self.get(name).strip()
        if not text:
            return default
        duration = _seconds(text)
        if duration is None:
            self.warnings.append(f"Ignoring malformed {name} timeout: {text}")
        elif duration < 0:
            self.warnings.append(f"Ignoring relative {name} timeout: {text}")
        elif duration > 0:
            return ceil(min(duration, _LONGEST_SECONDS))
        return default

    def interval(self, name: str) -> int:
        """Read how often something is done, in seconds; 0 is never, and the default."""
        text = self.get(name).strip()
        duration = _seconds(text) if text else 0.0
        if duration is None or duration < 0:
            self._warn(name, "duration", text, "0s")
            return 0
        return ceil(min(duration, _LONGEST_SECONDS))

    def level(self, name: str) -> CompressionLevel:
        """Read how hard archives are compressed."""
        # `choice` returns one of the words that it is given.
        return cast("CompressionLevel", self.choice(name, get_args(CompressionLevel), "default"))

    def _warn(self, name: str, expected: str, got: str, default: str) -> None:
        quoted = json.dumps(got, ensure_ascii=False)
        message = f"{name}: expected {expected} got {quoted}, using default value: {default}"
        self.warnings.append(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSettings:
    """How the phases of a job are run.

    Attributes:
        restore_cache_attempts, download_attempts, secrets_attempts: how often each is tried.
        cache_seconds: for one transfer of a cache; 0 for no limit.
        cache_level, artifact_level: how hard archives are compressed.
        meter_seconds: how often the log says how far a transfer has come; 0 for never.
        script_seconds: for before_script and script; 0 for no limit.
        after_script_seconds: for after_script.
        debug_trace: show commands as the shell runs them.
        honor_entrypoint: the image's entrypoint starts the job's shell.
        warnings: about what could not be read.
    """

    restore_cache_attempts: int = 1
    download_attempts: int = 1
    secrets_attempts: int = 1
    cache_seconds: int = 0
    cache_level: CompressionLevel = "default"
    artifact_level: CompressionLevel = "default"
    meter_seconds: int = 0
    script_seconds: int = 0
    after_script_seconds: int = _AFTER_SCRIPT_SECONDS
    after_script_ignore_errors: bool = True
    debug_trace: bool = False
    honor_entrypoint: bool = False
    warnings: tuple[str, ...] = ()


def read_build_settings(
    get: Lookup, timeout: int | None = None, *, debug_trace_disabled: bool = False
) -> BuildSettings:
    """Read the settings of a job.

    Args:
        get: gives the variables of the job.
        timeout: of the whole job, in seconds.
        debug_trace_disabled: jobs may not trace; the name is GitLab Runner's.
    """
    reader = VariableReader(get)
    # It is for containers that vanish from under GitLab's Docker executor; only its form counts.
    reader.attempts("EXECUTOR_JOB_SECTION_ATTEMPTS")
    settings = BuildSettings(
        restore_cache_attempts=reader.attempts("RESTORE_CACHE_ATTEMPTS"),
        download_attempts=reader.attempts("ARTIFACT_DOWNLOAD_ATTEMPTS"),
        secrets_attempts=reader.attempts("SECRETS_RETRIEVAL_ATTEMPTS"),
        cache_seconds=max(0, reader.number("CACHE_REQUEST_TIMEOUT", 0)) * 60,
        cache_level=reader.level("CACHE_COMPRESSION_LEVEL"),
        artifact_level=reader.level("ARTIFACT_COMPRESSION_LEVEL"),
        meter_seconds=reader.interval("TRANSFER_METER_FREQUENCY"),
        script_seconds=reader.seconds("RUNNER_SCRIPT_TIMEOUT", 0),
        after_script_seconds=reader.seconds("RUNNER_AFTER_SCRIPT_TIMEOUT", _AFTER_SCRIPT_SECONDS),
        after_script_ignore_errors=reader.boolean("AFTER_SCRIPT_IGNORE_ERRORS", default=True),
        debug_trace=reader.boolean("CI_DEBUG_TRACE", default=False),
        honor_entrypoint=reader.boolean("FF_KUBERNETES_HONOR_ENTRYPOINT", default=False),
    )
    if settings.debug_trace and debug_trace_disabled:
        reader.warnings.append("CI_DEBUG_TRACE: usage is disabled on this Runner")
        settings = replace(settings, debug_trace=False)
    if timeout is not None:
        settings = _within(settings, timeout, reader)
    return replace(settings, warnings=tuple(reader.warnings))


def _within(settings: BuildSettings, timeout: int, reader: VariableReader) -> BuildSettings:
    """Shorten what is longer than the job's own timeout."""
    return replace(
        settings,
        script_seconds=_shorter("RUNNER_SCRIPT_TIMEOUT", settings.script_seconds, timeout, reader),
        after_script_seconds=_shorter(
            "RUNNER_AFTER_SCRIPT_TIMEOUT", settings.after_script_seconds, timeout, reader
        ),
    )


def _shorter(name: str, seconds: int, timeout: int, reader: VariableReader) -> int:
    given = reader.get(name)
    if not given or seconds <= timeout:
        return seconds
    said = f"{given} is longer than job timeout. Setting to job timeout"
    reader.warnings.append(f"{name} timeout: {said}")
    return timeout


def _seconds(text: str) -> float | None:
    """Read a duration in seconds; None when it is not one."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return 0.0 if text in {"0", "+0", "-0"} else None
    total = 0.0
    for part in _PART.finditer(found["parts"]):
        if part["unit"] not in _UNITS or part["number"].count(".") > 1:
            return None
        total += float(part["number"]) * _UNITS[part["unit"]]
    return -total if found["sign"] == "-" else total

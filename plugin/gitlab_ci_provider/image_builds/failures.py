"""Why an image build has failed, in words, from the end of what its engine has said.

Each engine words it in its own way; what they have in common is the registry's own answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.quoted import quoted, readable

_LONGEST = 300
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class _Cause:
    """What engines say, and what it means."""

    pattern: re.Pattern[str]
    words: str
    reason: FailureReason = FailureReason.SCRIPT_FAILURE


def _cause(
    pattern: str, words: str, reason: FailureReason = FailureReason.SCRIPT_FAILURE
) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), words, reason)


_SETTINGS = FailureReason.RUNNER_CONFIGURATION_ERROR
_OUTSIDE = FailureReason.RUNNER_EXTERNAL_DEPENDENCY_FAILURE

_CAUSES = (
    _cause(
        r"immutab|ImageTagAlreadyExists|cannot be overwritten|tag already exists",
        "the registry does not let this tag be changed: push another tag",
    ),
    _cause(
        r"x509:|certificate (?:signed by|is not|has expired|verify)|tls: (?:failed|unknown|bad)",
        "the registry's certificate is not trusted: give its certificate with "
        "registry_certificates",
        _SETTINGS,
    ),
    _cause(
        r"server gave HTTP response to HTTPS client",
        "the registry speaks plain HTTP: name it in insecure_registries if that is meant",
        _SETTINGS,
    ),
    _cause(
        r"\b401\b|unauthorized|authentication required|no basic auth credentials",
        "the registry does not accept the login (401): check user and password, and that they are "
        "for this registry and path",
        _SETTINGS,
    ),
    _cause(
        r"\b403\b|\bdenied\b|insufficient_scope|forbidden",
        "the login may not do this in the registry (403): pushing needs write access to the "
        "repository, and to that of the cache",
        _SETTINGS,
    ),
    _cause(
        r"\b(?:500|502|503|504)\b[^\n]*(?:error|gateway|unavailable|timeout)|"
        r"unexpected (?:HTTP )?status(?: code)?:? 5\d\d|too many requests|toomanyrequests|\b429\b",
        "the registry failed, or was too busy, in each of the tries",
        _OUTSIDE,
    ),
    _cause(
        r"manifest unknown|MANIFEST_UNKNOWN|not found: manifest|name unknown|NAME_UNKNOWN",
        "the registry has no such image: check the FROM lines",
    ),
    _cause(
        r"no such host|connection refused|i/o timeout|network is unreachable|no route to host",
        "the registry, or another host, cannot be reached",
        _OUTSIDE,
    ),
    _cause(r"no space left on device", "the node's disk is full", _OUTSIDE),
    _cause(
        r"(?:building at STEP|failed to execute command|did not complete successfully|"
        r"while running runtime)[^\n]*",
        "a command of the Dockerfile failed",
    ),
    _cause(
        r"provide a valid path to a Dockerfile|Dockerfile[^\n]*(?:no such file|not found)|"
        r"no such file[^\n]*Dockerfile|failed to read dockerfile",
        "there is no Dockerfile where the build looks for it",
    ),
    _cause(
        r"parsing dockerfile|dockerfile parse error|unknown instruction|parse error on line",
        "the Dockerfile cannot be read",
    ),
)
"""What a registry has said comes first: a command that failed is named after it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFailure:
    """Why a build failed; the message is for people."""

    reason: FailureReason
    message: str


def build_failure(output: str, *, exit_code: int | None = None) -> BuildFailure:
    """Explain a failed build.

    Args:
        output: the end of what the engine has said; may be empty.
        exit_code: of the engine.
    """
    lines = [line.strip() for line in _TERMINAL.sub("", output).splitlines() if line.strip()]
    code = "" if exit_code is None else f" with exit code {exit_code}"
    for line in reversed(lines[-20:]):
        for cause in _CAUSES:
            if cause.pattern.search(line):
                message = f"the image build failed{code}: {cause.words}. {_shown(line)}"
                return BuildFailure(reason=cause.reason, message=message)
    last = f": {_shown(lines[-1])}" if lines else "; see the log"
    return BuildFailure(
        reason=FailureReason.SCRIPT_FAILURE, message=f"the image build failed{code}{last}"
    )


def _shown(line: str) -> str:
    return quoted(readable(line), _LONGEST)

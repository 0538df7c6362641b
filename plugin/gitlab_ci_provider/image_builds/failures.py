"""Why an image build has failed, in words, from the end of what its engine has said.

Each engine words it in its own way; what they have in common is the registry's own answer. Only
the engine's own lines count, and nothing in them that the author of a build can choose: commands
of the Dockerfile, names of images, addresses. A status that the engine names goes before words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.quoted import quoted, readable

_LONGEST = 300
_MOST_LINES = 20
_USAGE = 'Use "executor [command] --help"'
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")
_OWN_LINE = re.compile(r"(?:error|fatal|panic)\b|time=\S+ level=(?:error|fatal)\b", re.IGNORECASE)
_CHOSEN = re.compile(
    r'\bSTEP ".*"(?=:)|\bprocess "(?:[^"\\]|\\.)*"|https?://[^\s"]+|'
    r"(?!i/o\b)[\w.:-]+(?:/[\w.:@-]+)+"
)
"""Commands of the Dockerfile, addresses, paths and names of images."""

_STATUS = re.compile(
    r"\bstatus(?: code)?(?: from(?: \w+ request to)?(?: registry)?)?:? ?:? ?([45]\d\d)\b",
    re.IGNORECASE,
)


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

_LOGIN = _cause(
    r"\b401\b|unauthorized|authentication required|no basic auth credentials",
    "the registry does not accept the login (401): check user and password, and that they are "
    "for this registry and path",
    _SETTINGS,
)
_RIGHTS = _cause(
    r"\b403\b|\bdenied\b|insufficient_scope|forbidden",
    "the login may not do this in the registry (403): pushing needs write access to the "
    "repository, and to that of the cache",
    _SETTINGS,
)
_OTHER_END = _cause(
    r"\b(?:500|502|503|504)\b[^\n]*(?:error|gateway|unavailable|timeout)|"
    r"\bUNKNOWN: unknown error|failed to push\b[^\n]*\bunknown$|"
    r"too many requests|toomanyrequests|\b429\b",
    "the registry failed, or was too busy, in each of the tries",
    _OUTSIDE,
)
_COMMAND = _cause(
    r"\bexit (?:status|code):? \d+|did not complete successfully|while running runtime",
    "a command of the Dockerfile failed",
)
_CONTEXT = _cause(
    r"error resolving source context",
    "the context cannot be read: check its address, and the key or login that it needs",
    _SETTINGS,
)
_IMMUTABLE = _cause(
    r"immutab|ImageTagAlreadyExists|cannot be overwritten|tag already exists",
    "the registry does not let this tag be changed: push another tag",
)
_TRUST = _cause(
    r"x509:|certificate (?:signed by|is not|has expired|verify)|tls: (?:failed|unknown|bad)",
    "the registry's certificate is not trusted: give its certificate with registry_certificates",
    _SETTINGS,
)
_REGISTRY = (
    _IMMUTABLE,
    _TRUST,
    _cause(
        r"server gave HTTP response to HTTPS client",
        "the registry speaks plain HTTP: name it in insecure_registries if that is meant",
        _SETTINGS,
    ),
    _LOGIN,
    _RIGHTS,
    _OTHER_END,
    _cause(
        r"manifest unknown|MANIFEST_UNKNOWN|not found: manifest|name unknown|NAME_UNKNOWN|"
        r"failed to resolve source metadata\b[^\n]*not found",
        "the registry has no such image: check the FROM lines",
    ),
    _cause(
        r"no such host|connection refused|i/o timeout|network is unreachable|no route to host",
        "the registry, or another host, cannot be reached",
        _OUTSIDE,
    ),
)
_REST = (
    _cause(
        r"CLONE_NEWUSER|Unable to determine exit status",
        "the engine may not make itself a user namespace, most likely because the pod has the "
        "seccomp profile RuntimeDefault: say Unconfined in container_security_context, or use "
        "Kaniko",
        _SETTINGS,
    ),
    _cause(
        r'exec: "git": executable file not found|\bgit: (?:command )?not found$',
        "the engine's image has no git, which this context needs: name another image",
        _SETTINGS,
    ),
    _cause(r"no space left on device", "the node's disk is full", _OUTSIDE),
    _cause(
        r"provide a valid path to a Dockerfile|Dockerfile[^\n]*(?:no such file|not found)|"
        r"no such file[^\n]*Dockerfile|failed to read dockerfile|invalid local: resolve",
        "there is no Dockerfile where the build looks for it",
    ),
    _cause(
        r"parsing dockerfile|dockerfile parse error|unknown instruction|parse error on line",
        "the Dockerfile cannot be read",
    ),
    _cause(
        r'^Use "executor \[command\] --help"',
        "Kaniko refuses what it is asked for, in most cases because there is no Dockerfile where "
        "it looks: see the line of the log that begins with Error",
    ),
    _cause(r"failed to execute command|building at STEP", "a step of the Dockerfile failed"),
)


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
    text = _TERMINAL.sub("", output)
    if is_usage(text) and (begin := text.rfind("\nUsage:\n")) >= 0:
        text = text[:begin]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    code = "" if exit_code is None else f" with exit code {exit_code}"
    for line in reversed(_own_lines(lines)):
        if cause := _cause_of(line):
            message = f"the image build failed{code}: {cause.words}. {_shown(line)}"
            return BuildFailure(reason=cause.reason, message=message)
    last = f": {_shown(lines[-1])}" if lines else "; see the log"
    return BuildFailure(
        reason=FailureReason.SCRIPT_FAILURE, message=f"the image build failed{code}{last}"
    )


def is_usage(output: str) -> bool:
    """Return whether Kaniko has ended with all of its flags, far below the line with its error."""
    return output.rstrip().rpartition("\n")[2].startswith(_USAGE)


def _own_lines(lines: list[str]) -> list[str]:
    """Take the engine's last error with what follows; commands may have said all before it."""
    last = lines[-_MOST_LINES:]
    errors = [number for number, line in enumerate(last) if _OWN_LINE.match(line)]
    return last[errors[-1] :] if errors else last


def _cause_of(line: str) -> _Cause | None:
    """Find the cause in a line of the engine."""
    own = _CHOSEN.sub(" ", line)
    for cause in (_COMMAND, _CONTEXT):  # what comes after that may be an answer of any server
        if cause.pattern.search(own):
            return cause
    status = _STATUS.search(own)
    if status and (named := _by_status(int(status[1]))):
        # Before the status is what the engine itself says, after it what the registry does.
        if _TRUST.pattern.search(own, 0, status.start()):
            return _TRUST
        return _IMMUTABLE if _IMMUTABLE.pattern.search(own) else named
    found = (cause for cause in _REGISTRY if cause.pattern.search(own))
    rest = (cause for cause in _REST if cause.pattern.search(line))
    return next(found, None) or next(rest, None)


def _by_status(status: int) -> _Cause | None:
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _OTHER_END
    refused = {int(HTTPStatus.UNAUTHORIZED): _LOGIN, int(HTTPStatus.FORBIDDEN): _RIGHTS}
    return refused.get(status)


def _shown(line: str) -> str:
    return quoted(readable(line), _LONGEST)

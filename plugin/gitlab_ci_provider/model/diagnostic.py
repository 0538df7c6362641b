"""What is said about a `.gitlab-ci.yml`: severity, code, words, place, hint."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: an error means that GitLab would create no pipeline."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SourceLocation:
    """A place in a file; line and column count from 1, line 0 stands for all of it."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding.

    Attributes:
        code: stable and searchable, for example `needs-unknown-job`.
        message: GitLab's words where GitLab has some.
        hint: what to do about it, when there is something to say.
    """

    severity: Severity
    code: str
    message: str
    location: SourceLocation
    hint: str | None = None

    def __str__(self) -> str:
        """`file:line:column: severity [code] message`, the form that editors understand."""
        at = self.location
        place = f"{at.file}:{at.line}:{at.column}" if at.line else at.file
        return f"{place}: {self.severity} [{self.code}] {self.message}"


def error(code: str, message: str, at: SourceLocation, hint: str | None = None) -> Diagnostic:
    """Make a diagnostic that prevents the pipeline."""
    return Diagnostic(severity=Severity.ERROR, code=code, message=message, location=at, hint=hint)


def warning(code: str, message: str, at: SourceLocation, hint: str | None = None) -> Diagnostic:
    """Make a diagnostic that leaves the pipeline as it is."""
    return Diagnostic(severity=Severity.WARNING, code=code, message=message, location=at, hint=hint)

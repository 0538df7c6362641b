"""A finding in a `.gitlab-ci.yml`: severity, code, message, place, hint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gitlab_ci_provider.model.quoted import quoted, readable


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
        code: stable, to search for, for example `needs-unknown-job`.
        message: in GitLab's words where GitLab has this error.
        hint: what to do about it; may be empty.
    """

    severity: Severity
    code: str
    message: str
    location: SourceLocation
    hint: str | None = None

    def __post_init__(self) -> None:
        """Escape what messages quote from a file, to protect terminals and logs."""
        object.__setattr__(self, "message", readable(self.message))

    def __str__(self) -> str:
        """`file:line:column: severity [code] message`, the form that editors understand."""
        at = self.location
        file = quoted(at.file, 1000)
        place = f"{file}:{at.line}:{at.column}" if at.line else file
        return f"{place}: {self.severity} [{self.code}] {self.message}"


def errors_in(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Choose those that prevent a pipeline."""
    return [diagnostic for diagnostic in found if diagnostic.severity is Severity.ERROR]


def error(code: str, message: str, at: SourceLocation, hint: str | None = None) -> Diagnostic:
    """Make a diagnostic that prevents the pipeline."""
    return Diagnostic(severity=Severity.ERROR, code=code, message=message, location=at, hint=hint)


def warning(code: str, message: str, at: SourceLocation, hint: str | None = None) -> Diagnostic:
    """Make a diagnostic that leaves the pipeline as it is."""
    return Diagnostic(severity=Severity.WARNING, code=code, message=message, location=at, hint=hint)

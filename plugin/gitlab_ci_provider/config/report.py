"""Where the steps of reading a file put what they find."""

from __future__ import annotations

from gitlab_ci_provider.config.raw import Mark
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity, error, warning


class Report:
    """A growing list of findings, shared by all steps that read one configuration."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def error(self, code: str, message: str, mark: Mark, hint: str | None = None) -> None:
        """Note something that GitLab refuses."""
        self.diagnostics.append(error(code, message, mark.location(), hint))

    def warning(self, code: str, message: str, mark: Mark, hint: str | None = None) -> None:
        """Note something that leaves the pipeline as it is."""
        self.diagnostics.append(warning(code, message, mark.location(), hint))

    @property
    def failed(self) -> bool:
        """Tell whether an error was noted."""
        return any(finding.severity is Severity.ERROR for finding in self.diagnostics)

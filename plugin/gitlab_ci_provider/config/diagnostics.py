"""Where the steps of reading a file put their findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from gitlab_ci_provider.config.raw import Mark
from gitlab_ci_provider.model.diagnostic import Diagnostic, Severity, error, warning
from gitlab_ci_provider.model.nearest import nearest
from gitlab_ci_provider.variables.masking import Masker

MAX_FINDINGS = 2000
_WITH_SUGGESTION = 100
_MOST_SUGGESTIONS = 10
_SIMILAR = 0.7
"""Not `script` and `after_script`: what is right in one place is not mistyped in another."""


class Diagnostics:
    """A growing list of findings, shared by all steps that read one configuration.

    A file with thousands of problems has the first ones listed, and says that there are more. What
    is found twice, in a file that is included by many, is listed once.

    Attributes:
        failed: whether an error was noted.

    Args:
        secrets: values that no finding may show: the names of what is included can hold variables.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._masker = Masker(secrets)
        self.found: list[Diagnostic] = []
        self.failed = False
        self._seen: set[Diagnostic] = set()

    def error(self, code: str, message: str, mark: Mark, hint: str | None = None) -> None:
        """Note something that GitLab refuses."""
        self.failed = True
        self._add(error(code, message, mark.location(), hint))

    def warning(self, code: str, message: str, mark: Mark, hint: str | None = None) -> None:
        """Note something that leaves the pipeline as it is."""
        self._add(warning(code, message, mark.location(), hint))

    def meant(self, given: str, known: Iterable[str]) -> str | None:
        """Word the hint that a known word may be meant; for the first findings, it takes long."""
        few = len(self.found) < _WITH_SUGGESTION
        close = nearest(given, known, _SIMILAR) if few else None
        return f"Did you mean '{self.hide(close)}'?" if close else None

    def all_meant(self, given: Sequence[str], known: Collection[str]) -> str | None:
        """Word the hint about several words at once: which known one each of them may stand for."""
        if len(given) == 1:
            return self.meant(given[0], known)
        few = given[:_MOST_SUGGESTIONS] if len(self.found) < _WITH_SUGGESTION else ()
        close = ((word, nearest(word, known, _SIMILAR)) for word in few)
        pairs = [f"'{meant}' instead of {word}" for word, meant in close if meant]
        return self.hide(f"Did you mean {', '.join(pairs)}?") if pairs else None

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Take over findings of another step."""
        for diagnostic in found:
            self.failed = self.failed or diagnostic.severity is Severity.ERROR
            self._add(diagnostic)

    def hide(self, text: str) -> str:
        """Hide secrets in a text."""
        return self._masker.text(text)

    def _add(self, found: Diagnostic) -> None:
        if found in self._seen:
            return
        self._seen.add(found)
        if len(self.found) < MAX_FINDINGS:
            self.found.append(replace(found, message=self.hide(found.message)))
        elif len(self.found) == MAX_FINDINGS:
            words = f"more than {MAX_FINDINGS} problems; the others are not listed"
            self.found.append(error("too-many-problems", words, found.location))

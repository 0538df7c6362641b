"""Code quality: findings from JSON, after GitLab's lib/gitlab/ci/parsers/codequality.

As in GitLab, an entry without the required keys ends the reading of its file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, Any

from gitlab_ci_provider.helper.reports.xml import ReportError, limited
from gitlab_ci_provider.model.reports import Finding, QualityReport


class QualityReader:
    """Collects the findings of one job's files, each fingerprint once."""

    def __init__(self) -> None:
        self._findings: dict[str, Finding] = {}

    def read(self, source: IO[bytes]) -> None:
        """Read one file; raises ReportError, and keeps the findings before the mistake."""
        import msgspec

        try:
            entries = msgspec.json.decode(b"".join(limited(source)))
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise ReportError(f"no JSON: {error}") from error
        if not isinstance(entries, list):
            raise ReportError("not a list of findings")
        for position, entry in enumerate(entries, 1):
            finding = _finding(entry)
            if finding is None:
                raise ReportError(f"entry {position} is not a finding")
            self._findings[finding.fingerprint] = finding

    def results(self, errors: Sequence[str]) -> QualityReport:
        """Return what was collected."""
        return QualityReport(findings=tuple(self._findings.values()), errors=tuple(errors))

    def summary(self) -> Mapping[str, float]:
        """Count the findings by severity."""
        counts = Counter(finding.severity for finding in self._findings.values())
        return {"total": len(self._findings), **counts}


_SEVERITIES = frozenset({"blocker", "critical", "major", "minor", "info"})


def _finding(entry: Any) -> Finding | None:
    """Check one entry by the required keys of GitLab's codeclimate.json schema."""
    if not isinstance(entry, dict):
        return None
    location = entry.get("location")
    if not isinstance(location, dict) or not isinstance(location.get("path"), str):
        return None
    texts = [entry.get(key) for key in ("description", "check_name", "fingerprint")]
    if not all(isinstance(text, str) and text for text in texts):
        return None
    severity = str(entry.get("severity")).lower()
    return Finding(
        description=str(texts[0]),
        check_name=str(texts[1]),
        fingerprint=str(texts[2]),
        severity=severity if severity in _SEVERITIES else "unknown",
        path=location["path"],
        line=_line(location),
    )


def _line(location: Mapping[str, Any]) -> int:
    """Find the first line: `lines.begin`, or `positions.begin.line`."""
    lines, positions = location.get("lines"), location.get("positions")
    begin = lines.get("begin") if isinstance(lines, dict) else None
    if begin is None and isinstance(positions, dict):
        begin = positions.get("begin")
    if isinstance(begin, dict):
        begin = begin.get("line")
    return begin if isinstance(begin, int) and begin > 0 else 0

"""The code quality of a pipeline on its page: findings, the worst first, and what is new. Pure.

As in GitLab, a finding is known by its fingerprint, in other jobs and other pipelines, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gitlab_ci_provider.model.reports import Finding, QualityReport
from gitlab_ci_provider.plugins.page.left import LeftByRun
from gitlab_ci_provider.plugins.page.pipeline import file_page
from gitlab_ci_provider.plugins.page.reports import EarlierView, ReadReport, ReportShelf

QUALITY = "codequality"

_ORDER = ("blocker", "critical", "major", "minor", "info")
_MOST, _MOST_FIXED = 1000, 300
_LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """A finding.

    Attributes:
        check: the rule that found it.
        url: its line on the GitLab server; empty when there is none.
        new: the earlier pipeline did not have it.
    """

    job: str
    task: str
    description: str
    check: str
    severity: str
    path: str
    line: int
    url: str = ""
    new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """The findings of a pipeline.

    Attributes:
        reports: how many jobs have left a report.
        counts: findings by severity, the worst first.
        added: how many are new.
        findings: the worst first, and the new ones first of each severity.
        more: how many are not listed.
        gone: those of the earlier pipeline that are no more.
        problems: of reports that cannot be read, by job.
    """

    reports: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    added: int = 0
    findings: tuple[FindingView, ...] = ()
    more: int = 0
    gone: tuple[FindingView, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    earlier: EarlierView | None = None


JobQuality = ReadReport[QualityReport]


def compared(shelf: ReportShelf, left: LeftByRun, earlier: LeftByRun | None) -> QualityView:
    """Show the findings of a pipeline, compared with an earlier one.

    Raises:
        StorageError: the object store failed.
    """
    reports = [*shelf.read(left, QUALITY, QualityReport)]
    before = [*shelf.read(earlier, QUALITY, QualityReport)] if earlier else []
    view = quality_view(reports, before, EarlierView.of(earlier) if earlier else None)
    return replace(view, findings=tuple(_linked(found, left) for found in view.findings))


def quality_view(
    reports: Iterable[JobQuality], before: Iterable[JobQuality], earlier: EarlierView | None
) -> QualityView:
    """Show the findings of a pipeline.

    Args:
        reports: of its jobs.
        before: those of an earlier pipeline.
        earlier: which one that was; None when there is none to compare with.
    """
    listed = [*reports]
    known, now = _findings(before), _findings(listed)
    fresh = now.keys() - known.keys() if earlier else set()
    found = [replace(view, new=name in fresh) for name, view in now.items()]
    found.sort(key=lambda view: (_rank(view.severity), not view.new))
    gone = sorted((known[name] for name in known.keys() - now.keys()), key=_place)
    return QualityView(
        reports=len(listed),
        counts=Counter(view.severity for view in found),
        added=len(fresh),
        findings=tuple(found[:_MOST]),
        more=max(0, len(found) - _MOST),
        gone=tuple(gone[:_MOST_FIXED]),
        problems={read.archive.job.name: words for read in listed if (words := _problem(read))},
        earlier=earlier,
    )


def _findings(reports: Iterable[JobQuality]) -> dict[str, FindingView]:
    """List findings by their fingerprint: the first job that has one counts."""
    found: dict[str, FindingView] = {}
    for read in reports:
        for finding in read.report.findings if read.report else ():
            found.setdefault(finding.fingerprint, _view(read, finding))
    return found


def _view(read: JobQuality, finding: Finding) -> FindingView:
    return FindingView(
        job=read.archive.job.name,
        task=read.archive.task,
        description=finding.description[:_LONGEST],
        check=finding.check_name,
        severity=finding.severity,
        path=finding.path.removeprefix("./"),
        line=finding.line,
    )


def _linked(view: FindingView, left: LeftByRun) -> FindingView:
    record = left.record
    return replace(view, url=file_page(record.project, record.ref.sha, view.path, view.line))


def _problem(read: JobQuality) -> str:
    return "; ".join(filter(None, (read.problem, *(read.report.errors if read.report else ()))))


def _rank(severity: str) -> int:
    return _ORDER.index(severity) if severity in _ORDER else len(_ORDER)


def _place(view: FindingView) -> tuple[int, str, int]:
    return _rank(view.severity), view.path, view.line

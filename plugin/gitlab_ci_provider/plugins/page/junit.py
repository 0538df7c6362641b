"""The tests of a pipeline on its page: what failed first, and what an earlier pipeline says.

The contents of reports come from jobs: a report may be huge, or no report at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from gitlab_ci_provider.model.reports import Case, CaseStatus, JunitReport
from gitlab_ci_provider.plugins.page.left import LeftByRun
from gitlab_ci_provider.plugins.page.reports import EarlierView, ReportShelf

JUNIT = "junit"

_BAD = frozenset({CaseStatus.FAILED, CaseStatus.ERROR})
_MOST_BAD, _MOST_OTHERS = 300, 700
_LONGEST_OUTPUT = 8000
_ORDER = (CaseStatus.SKIPPED, CaseStatus.SUCCESS)

Identity = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A test case.

    Attributes:
        new: it has failed, and did not in the earlier pipeline.
        time: seconds.
    """

    job: str
    task: str
    name: str
    classname: str
    suite: str
    file: str
    status: str
    time: float
    output: str = ""
    new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteView:
    """The tests of a job.

    Attributes:
        counts: cases by status.
        problem: why some of them are not here.
    """

    job: str
    task: str
    counts: Mapping[str, int]
    time: float = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsView:
    """The tests of a pipeline.

    Attributes:
        cases: those that failed first, the new ones first of all; then the slowest first.
        more: how many cases are not listed.
        fixed: names of cases that pass, and failed in the earlier pipeline.
    """

    suites: tuple[SuiteView, ...] = ()
    cases: tuple[CaseView, ...] = ()
    more: int = 0
    fixed: tuple[str, ...] = ()
    earlier: EarlierView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTests:
    """The report of a job; without one, `problem` says why."""

    job: str
    task: str
    report: JunitReport = field(default_factory=lambda: JunitReport(name=""))
    problem: str = ""

    def named(self) -> Iterable[tuple[Identity, Case]]:
        """Yield the cases with what they are known by in other pipelines."""
        for case in self.report.cases:
            yield (self.job, case.suite, case.classname, case.name, case.file), case


def compared(shelf: ReportShelf, left: LeftByRun, earlier: LeftByRun | None) -> TestsView:
    """Show the tests of a pipeline, compared with an earlier one.

    Raises:
        StorageError: the object store failed.
    """
    if earlier is None:
        return junit_view(_read(shelf, left), (), None)
    return junit_view(_read(shelf, left), _read(shelf, earlier), EarlierView.of(earlier))


def _read(shelf: ReportShelf, left: LeftByRun) -> list[JobTests]:
    return [
        JobTests(
            job=read.archive.job.name,
            task=read.archive.task,
            report=read.report or JunitReport(name=""),
            problem=read.problem,
        )
        for read in shelf.read(left, JUNIT, JunitReport)
    ]


def junit_view(
    jobs: Iterable[JobTests], before: Iterable[JobTests], earlier: EarlierView | None
) -> TestsView:
    """Show the tests of a pipeline.

    Args:
        jobs: its reports.
        before: those of an earlier pipeline.
        earlier: which one that was; None when there is none to compare with.
    """
    listed = list(jobs)
    bad_before = {name for job in before for name, case in job.named() if case.status in _BAD}
    bad, others, fixed = [], [], []
    for job in listed:
        for name, case in job.named():
            if case.status in _BAD:
                new = earlier is not None and name not in bad_before
                bad.append(_case(job, case, new=new))
            else:
                others.append((job, case))
                if case.status == CaseStatus.SUCCESS and name in bad_before:
                    fixed.append(_words(case))
    bad.sort(key=lambda case: not case.new)
    others.sort(key=lambda pair: (_ORDER.index(pair[1].status), -pair[1].time))
    shown = [*islice(bad, _MOST_BAD), *(_case(*pair) for pair in islice(others, _MOST_OTHERS))]
    return TestsView(
        suites=tuple(map(_suite, listed)),
        cases=tuple(shown),
        more=len(bad) + len(others) - len(shown),
        fixed=tuple(fixed[:_MOST_BAD]),
        earlier=earlier,
    )


def _case(job: JobTests, case: Case, *, new: bool = False) -> CaseView:
    return CaseView(
        job=job.job,
        task=job.task,
        name=case.name,
        classname=case.classname,
        suite=case.suite,
        file=case.file,
        status=str(case.status),
        time=case.time,
        output=case.output[:_LONGEST_OUTPUT],
        new=new,
    )


def _suite(job: JobTests) -> SuiteView:
    counts = Counter(str(case.status) for case in job.report.cases)
    problem = "; ".join(filter(None, (job.problem, *job.report.errors)))
    return SuiteView(
        job=job.job, task=job.task, counts=counts, time=job.report.time, problem=problem
    )


def _words(case: Case) -> str:
    return f"{case.classname}: {case.name}" if case.classname else case.name

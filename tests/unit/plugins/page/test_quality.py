"""What the pipeline page makes of code quality reports."""

from __future__ import annotations

from dataclasses import replace

from factories import make_job
from gitlab_ci_provider.model.reports import Finding, QualityReport
from gitlab_ci_provider.plugins.page.left import LeftArchive
from gitlab_ci_provider.plugins.page.quality import JobQuality, quality_view
from gitlab_ci_provider.plugins.page.reports import EarlierView, ReadReport

LONG = Finding(
    description="too long",
    check_name="length",
    fingerprint="1",
    severity="minor",
    path="./a.py",
    line=3,
)
EARLIER = EarlierView(id=6, path="")


def report(job: str, *findings: Finding, problem: str = "") -> JobQuality:
    """Read what a job has found."""
    archive = LeftArchive(
        job=make_job(job), task=job, kind="codequality", name="", key="k", files=1, size=1
    )
    found = QualityReport(findings=findings)
    return ReadReport(archive=archive, report=None if problem else found, problem=problem)


def test_a_finding_of_several_jobs_is_one():
    """As GitLab adds up the reports of a pipeline: by fingerprint."""
    view = quality_view([report("one", LONG), report("two", LONG)], (), None)
    assert [(found.job, found.path) for found in view.findings] == [("one", "a.py")]


def test_the_worst_comes_first_and_the_unknown_last():
    """Whatever a job says the severity is."""
    severities = ["info", "mystery", "blocker", "major"]
    found = [replace(LONG, fingerprint=each, severity=each) for each in severities]
    view = quality_view([report("one", *found)], (), None)
    assert [each.severity for each in view.findings] == ["blocker", "major", "info", "mystery"]


def test_what_is_new_and_what_is_gone_is_known_by_the_fingerprint():
    """A finding whose line has moved is the same one."""
    moved, other = replace(LONG, line=9), replace(LONG, fingerprint="2")
    view = quality_view([report("one", moved, other)], [report("one", LONG)], EARLIER)
    assert [(each.line, each.new) for each in view.findings] == [(3, True), (9, False)]
    back = quality_view([report("one", moved)], [report("one", LONG, other)], EARLIER)
    assert (back.added, len(back.gone)) == (0, 1)


def test_without_an_earlier_pipeline_nothing_is_new():
    """There is nothing that it could be new to."""
    assert quality_view([report("one", LONG)], (), None).added == 0


def test_a_report_that_cannot_be_read_is_said_to_be():
    """And the others are shown."""
    view = quality_view([report("bad", problem="cannot be read"), report("one", LONG)], (), None)
    assert (view.reports, len(view.findings), view.problems) == (2, 1, {"bad": "cannot be read"})


def test_thousands_of_findings_make_a_short_answer():
    """How many there are is said."""
    found = [replace(LONG, fingerprint=str(number)) for number in range(5000)]
    view = quality_view([report("one", *found)], (), None)
    assert (len(view.findings) + view.more, view.counts) == (5000, {"minor": 5000})
    assert len(view.findings) <= 1000

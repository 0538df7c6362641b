"""What the pipeline page believes of what jobs say that they have left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factories import make_job, make_pipeline, make_run
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.reports import Case, CaseStatus, JunitReport
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.plugins.page.artifacts import asked_part, attachment, folder_view
from gitlab_ci_provider.plugins.page.junit import JobTests, junit_view
from gitlab_ci_provider.plugins.page.left import LeftArchive, LeftByRun
from gitlab_ci_provider.plugins.page.reports import EarlierView
from gitlab_ci_provider.storage.index import ArtifactIndex, IndexedFile
from gitlab_ci_provider.storage.keys import artifacts_key

JOB = make_job("build")
RECORD = replace(make_run(), id=7)
OWN = artifacts_key(RECORD.project, 7, "build", 1)


def left_with(key: str) -> LeftByRun:
    """Let the job say where its artifacts are."""
    result = JobResult(status=JobStatus.SUCCESS, artifacts=(JobArtifact(name="a", object_key=key),))
    return LeftByRun(record=RECORD, pipeline=make_pipeline(JOB), results={"build": result})


def test_artifacts_of_the_job_itself_are_listed():
    """Where the planner has put them."""
    assert [archive.key for archive in left_with(OWN).archives()] == [OWN]


@pytest.mark.parametrize(
    "key",
    [
        OWN.replace("/7/", "/8/"),
        OWN.replace("build", "other"),
        f"artifacts/other/project/7/build/1/{OWN.rpartition('/')[2]}",
        OWN.replace("/1/", "/../../../8/build/1/"),
        OWN.replace("artifacts.zip", "reports/../../secret.zip"),
        "state/anything",
    ],
)
def test_a_job_cannot_name_an_object_of_others(key: str):
    """The pod says the key, and authors of pipelines can make it say anything."""
    assert list(left_with(key).archives()) == []


def folder(files: tuple[IndexedFile, ...], path: str = "", text: str = "") -> list[str]:
    """List the paths in a folder of an archive with these files."""
    index = ArtifactIndex(
        job="build", name="a", object_key=OWN, size=1, created=1, expire_at=10**30, files=files
    )
    archive = LeftArchive(job=JOB, task="build", kind="archive", name="a", key=OWN, files=1, size=1)
    view = folder_view(archive, index, path, text, "")
    assert view.expires == ""
    return [entry.path for entry in view.entries]


def test_folders_come_from_paths_whether_the_archive_names_them_or_not():
    """Once each; an absolute or empty path is no folder without a name."""
    files = tuple(
        IndexedFile(path=path, size=1, mode="100644")
        for path in ("a/", "a/b.txt", "c/d/e.txt", "z.txt", "/etc/passwd", "")
    )
    assert folder(files) == ["a/", "c/", "z.txt"]
    assert folder(files, "c/") == ["c/d/"]
    assert folder(files, text="E.TXT") == ["c/d/e.txt"]


def test_the_name_of_a_download_is_one_word_of_a_header():
    """A job may name a file with line breaks and quotes."""
    named = attachment('a"\r\nSet-Cookie: b;\u202e.txt')
    assert named == "attachment; filename*=UTF-8''a%22__Set-Cookie%3A%20b%3B_.txt"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=2-4", range(2, 5)),
        ("bytes=2-", range(2, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=2-400", range(2, 10)),
        ("bytes=-400", range(10)),
        ("bytes=10-", range(10, 10)),
        ("bytes=5-2", range(5, 3)),
        ("bytes=1-2,4-5", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        (f"bytes={'9' * 5000}-", None),
    ],
)
def test_a_part_of_an_archive_is_asked_for_in_bytes(header: str, part: range | None):
    """Of ten bytes; what is not one range asks for all of them."""
    assert asked_part(header, 10) == part


def test_without_an_earlier_pipeline_no_test_is_new():
    """There is nothing that it could be new to."""
    report = JunitReport(name="unit", cases=(Case(name="a", status=CaseStatus.FAILED),))
    tests = [JobTests(job="unit", task="unit", report=report)]
    alone = junit_view(tests, (), None)
    again = junit_view(tests, (), EarlierView(id=6, path=""))
    assert [view.cases[0].new for view in (alone, again)] == [False, True]
    assert alone.fixed == ()


def test_thousands_of_tests_make_a_short_answer():
    """All failures cannot be read by anyone; how many there are is said."""
    case = Case(name="a", status=CaseStatus.FAILED, output="x" * 20_000)
    cases = tuple(replace(case, name=str(number)) for number in range(2000))
    tests = [JobTests(job="unit", task="unit", report=JunitReport(name="unit", cases=cases))]
    view = junit_view(tests, (), None)
    assert (len(view.cases) + view.more, view.suites[0].counts) == (2000, {"failed": 2000})
    assert sum(len(shown.output) for shown in view.cases) < 3_000_000

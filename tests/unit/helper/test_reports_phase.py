"""Saving and reading `artifacts:reports`, on an object store in a folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.upload_reports import upload_reports
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.model.plan import ReportUpload
from gitlab_ci_provider.model.reports import JunitReport
from gitlab_ci_provider.model.serialization import decode
from processes.phases import BrokenStore, make_context

SUITE = '<testsuite name="s"><testcase name="{}"/></testsuite>'


def report(kind: str = "junit", *paths: str) -> ReportUpload:
    """Plan a report."""
    return ReportUpload(kind=kind, object_key=f"a/reports/{kind}.zip", paths=paths or ("*.xml",))


def upload(folder: Path, *reports: ReportUpload, **files: str) -> PhaseContext:
    """Upload reports of a working copy with these files; `_` is a dot in their names."""
    context = make_context(folder)
    for name, text in files.items():
        (context.project_dir / name.replace("_", ".")).write_text(text)
    upload_reports(context, reports)
    return context


def test_a_read_report_is_kept_and_counted(tmp_path: Path):
    """The files, all that they say, and numbers for the job's result."""
    context = upload(tmp_path, report(), a_xml=SUITE.format("a"), b_xml=SUITE.format("b"))

    (kept,) = context.reports
    assert kept.summary["total"] == 2
    assert (kept.files, kept.problem) == (2, "")
    results = decode((tmp_path / "objects" / kept.results_key).read_bytes(), JunitReport)
    assert [case.name for case in results.cases] == ["a", "b"]
    assert (tmp_path / "objects" / kept.object_key).exists()
    assert (tmp_path / "objects" / f"{kept.object_key}.index.json").exists()


def test_the_first_tests_that_failed_are_named(tmp_path: Path):
    """For the note of the task: a few, and none of them long."""
    case = '<testcase name="{}" classname="c"><failure/></testcase>'
    cases = "".join(case.format(f"t{number}" * 99) for number in range(9))
    context = upload(tmp_path, report(), a_xml=f'<testsuite name="s">{cases}</testsuite>')

    (kept,) = context.reports
    assert [name[:5] for name in kept.failed] == [f"c: t{number}" for number in range(5)]
    assert {len(name) for name in kept.failed} == {100}


def test_other_kinds_are_only_kept(tmp_path: Path):
    """Nobody reads what a scanner has written, and nothing is lost."""
    context = upload(tmp_path, report("sast", "gl.json"), gl_json="{}")

    (kept,) = context.reports
    assert (kept.kind, kept.files, kept.results_key, kept.summary) == ("sast", 1, "", {})


def test_no_files_are_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """As with artifacts."""
    context = upload(tmp_path, report())

    assert context.reports == []
    assert "No files to upload" in capfd.readouterr().out


def test_a_bad_file_is_a_line_in_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """The others count, and the job's result says which one was bad."""
    context = upload(tmp_path, report(), a_xml=SUITE.format("a"), b_xml="<broken")

    (kept,) = context.reports
    assert kept.summary["total"] == 1
    assert kept.problem.startswith("b.xml: not well-formed XML")
    assert "WARNING: junit: b.xml: not well-formed" in capfd.readouterr().out
    results = json.loads((tmp_path / "objects" / kept.results_key).read_bytes())
    assert len(results["errors"]) == 1


@pytest.mark.parametrize("size", [30_000_001, 10**12])
def test_a_huge_file_is_kept_out_by_its_size(tmp_path: Path, size: int):
    """It is not read at all."""
    context = make_context(tmp_path)
    with (context.project_dir / "a.xml").open("wb") as file:
        os.truncate(file.fileno(), min(size, 40_000_000))

    upload_reports(context, [report()])

    assert "too large" in context.reports[0].problem


def test_links_and_pipes_are_not_read(tmp_path: Path):
    """A report is a file of the working copy, and nothing that a job puts in its place."""
    context = make_context(tmp_path)
    (tmp_path / "secret.xml").write_text(SUITE.format("secret"))
    (context.project_dir / "a.xml").symlink_to(tmp_path / "secret.xml")
    os.mkfifo(context.project_dir / "b.xml")

    upload_reports(context, [report()])

    assert [one.summary["total"] for one in context.reports] == [0]


def test_a_store_that_stays_away_fails_the_job(tmp_path: Path):
    """As with artifacts: what a later reader counts on must be there."""
    context = make_context(tmp_path, store=BrokenStore(tmp_path / "objects", failures=99))
    (context.project_dir / "a.xml").write_text(SUITE.format("a"))

    with pytest.raises(SystemFailure, match="cannot upload the report 'junit'"):
        upload_reports(context, [report()])


def test_what_is_noted_fits_a_job_report(tmp_path: Path):
    """The problem of many bad files has an end."""
    files = {f"f{n}_xml": "<broken" for n in range(50)}

    (kept,) = upload(tmp_path, report(), **files).reports

    assert isinstance(kept, ArtifactReport)
    assert len(kept.problem) <= 200

"""Reports of whole jobs: build and helper as processes, a real S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan, ReportUpload
from gitlab_ci_provider.model.reports import CoverageReport, JunitReport
from gitlab_ci_provider.model.serialization import decode
from gitlab_ci_provider.storage.index import decode_index
from processes.pod import Ended, Pod, project_dir
from servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.integration

JUNIT = (
    '<testsuite name="s"><testcase name="a"/><testcase name="b"><failure/></testcase></testsuite>'
)
COBERTURA = """<coverage><sources><source>$PWD/src</source></sources><packages><package><classes>
<class filename="a.py"><lines><line number="1" hits="2"/><line number="2" hits="0"/></lines></class>
</classes></package></packages></coverage>"""
WRITE = f"""mkdir src out; touch src/a.py
echo '{JUNIT}' > out/junit.xml
cat > out/coverage.xml <<END
{COBERTURA}
END
echo '[{{}}]' > out/quality.json"""


def run(folder: Path, s3: S3Server, *commands: str) -> tuple[Ended, Ended]:
    """Run a job that keeps three kinds of reports; return the ends of build and helper."""
    paths = {
        "junit": ("out/*.xml", "none.xml"),
        "coverage_report": ("out/coverage.xml",),
        "codequality": ("out/quality.json",),
        "sast": ("out/none.json",),
    }
    reports = tuple(
        ReportUpload(kind=kind, object_key=f"a/1/reports/{kind}.zip", paths=patterns)
        for kind, patterns in paths.items()
    )
    (folder / "pod").mkdir()
    plan = JobPlan(job="unit", project_dir=project_dir(folder / "pod"), reports=reports)
    plan = s3.give_access(plan)
    _, build, helper = Pod(folder / "pod", plan, Script(main=commands)).run()
    return build, helper


def test_reports_of_a_failed_job_are_kept_and_read(tmp_path: Path):
    """Whatever the script's end; the numbers come back in the termination message."""
    with s3_server(tmp_path / "s3") as s3:
        build, helper = run(tmp_path, s3, WRITE, "exit 3")

        found = {one["kind"]: one for one in helper.report["reports"]}
        assert (build.code, helper.code) == (3, 0)
        assert sorted(found) == ["codequality", "coverage_report", "junit"]
        assert (found["junit"]["summary"]["total"], found["junit"]["files"]) == (2, 2)
        assert found["coverage_report"]["summary"]["percent"] == 50
        assert "entry 1 is not a finding" in found["codequality"]["problem"]
        junit = decode((s3.bucket / found["junit"]["results_key"]).read_bytes(), JunitReport)
        lines = s3.bucket / found["coverage_report"]["results_key"]
        index = decode_index((s3.bucket / "a/1/reports/junit.zip.index.json").read_bytes())

    assert [case.status for case in junit.cases] == ["success", "failed"]
    assert [file.path for file in index.files] == ["out/coverage.xml", "out/junit.xml"]
    assert "junit: total 2, success 1, failed 1" in helper.log
    assert "Uploading artifacts for failed job" in helper.log
    assert lines.name == "coverage_report.json"


def test_covered_files_are_named_as_in_the_project(tmp_path: Path):
    """The report's sources are paths of the job's machine."""
    with s3_server(tmp_path / "s3") as s3:
        run(tmp_path, s3, WRITE)
        data = (s3.bucket / "a/1/reports/coverage_report.json").read_bytes()

    assert decode(data, CoverageReport).files == {"src/a.py": {1: 2, 2: 0}}

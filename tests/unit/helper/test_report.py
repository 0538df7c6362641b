"""The helper's last words."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from gitlab_ci_provider.helper.report import Report, encode_report, write_report
from gitlab_ci_provider.model.run import JobArtifact, JobReport


def test_says_what_the_operator_reads():
    """Phase, reason and message of a failure, and the artifacts."""
    artifact = JobArtifact(name="n", object_key="k", size=1, files=2)
    kept = JobReport(kind="junit", object_key="r", summary={"total": 3})
    report = Report(status="failed", phase="p", reason="r", message="m", artifacts=(artifact,))

    assert json.loads(encode_report(replace(report, reports=(kept,)))) == {
        "status": "failed",
        "phase": "p",
        "reason": "r",
        "message": "m",
        "lines": 0,
        "artifacts": [{"name": "n", "object_key": "k", "size": 1, "files": 2}],
        "reports": [asdict(kept)],
    }


def test_fits_into_what_kubernetes_keeps():
    """4096 bytes of valid JSON, whatever happened; what is left out is counted."""
    artifacts = tuple(JobArtifact(name="n", object_key="k" * 300) for _ in range(50))
    reports = tuple(JobReport(kind="k", object_key="k" * 300) for _ in range(50))
    data = encode_report(Report(message="ü" * 10_000, artifacts=artifacts, reports=reports))

    found = json.loads(data)
    assert len(data) <= 4096
    assert found["message"].endswith(" ...")
    assert found["artifacts_left_out"] + len(found["artifacts"]) == 50
    assert found["reports_left_out"] + len(found["reports"]) == 50


def test_no_place_for_it_is_no_failure(tmp_path: Path):
    """A read-only root must not fail a job whose work is done."""
    write_report(Report(), tmp_path / "none" / "termination-log")

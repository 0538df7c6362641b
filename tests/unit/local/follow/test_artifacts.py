"""What jobs leave: artifacts in a folder, and the names of failed tests."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from gitlab_ci_provider.local.follow.artifacts import failed_tests, save_artifacts
from gitlab_ci_provider.model.reports import Case, CaseStatus, JunitReport
from gitlab_ci_provider.model.serialization import encode


def job(*keys: str) -> dict[str, Any]:
    return {"artifacts": [{"object_key": key} for key in keys]}


def test_each_job_has_a_folder_of_its_own(tmp_path: Path):
    """Two jobs that leave the same file do not overwrite each other, whatever their names."""
    for key in ("a.zip", "b.zip"):
        with zipfile.ZipFile(tmp_path / key, "w") as archive:
            archive.writestr("out/file", key)
    jobs = {"test/unit": job("a.zip"), "test_unit": job("b.zip"), "none": job()}

    assert list(save_artifacts(jobs, tmp_path, tmp_path / "to")) == []

    found = {path.read_text() for path in (tmp_path / "to").glob("*/out/file")}
    assert found == {"a.zip", "b.zip"}
    assert (tmp_path / "to" / "test_unit" / "out" / "file").read_text() == "b.zip"


def test_an_archive_leads_nowhere_else(tmp_path: Path):
    """A job may write what it likes into its archive."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../outside", "x")
        archive.writestr("/absolute", "x")

        archive.writestr("inside", "x")

    said = list(save_artifacts({"job": job("a.zip")}, tmp_path, tmp_path / "to"))

    assert not (tmp_path / "outside").exists()
    found = (tmp_path / "to").rglob("*")
    files = sorted(str(path.relative_to(tmp_path)) for path in found if path.is_file())
    assert files == ["to/job/inside"]
    assert len(said) == 2
    assert "left out" in said[0]
    assert "../../outside" in said[0]


def test_what_cannot_be_unpacked_is_said(tmp_path: Path):
    """An archive that expired or is broken does not hide the others."""
    (tmp_path / "broken.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "good.zip", "w") as archive:
        archive.writestr("file", "x")
    jobs = {"gone": job("gone.zip"), "broken": job("broken.zip"), "good": job("good.zip")}

    said = list(save_artifacts(jobs, tmp_path, tmp_path / "to"))

    assert [line.partition(":")[0] for line in said] == [
        "cannot unpack the artifacts of gone",
        "cannot unpack the artifacts of broken",
    ]
    assert (tmp_path / "to" / "good" / "file").exists()


def test_failed_and_broken_tests_are_named(tmp_path: Path):
    """With their class, as GitLab's page shows them; a report that has gone is left out."""
    cases = (
        Case(name="adds", classname="sums", status=CaseStatus.FAILED),
        Case(name="passes", status=CaseStatus.SUCCESS),
        Case(name="breaks", status=CaseStatus.ERROR),
    )
    (tmp_path / "key").write_bytes(encode(JunitReport(name="unit", cases=cases)))
    reports = [
        {"kind": "junit", "results_key": "key"},
        {"kind": "junit", "results_key": "gone"},
        {"kind": "metrics", "results_key": ""},
    ]

    assert failed_tests(reports, tmp_path) == ["sums: adds", "breaks"]

"""The phase that keeps dotenv reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.upload_dotenv import upload_dotenv
from gitlab_ci_provider.model.plan import DotenvUpload
from gitlab_ci_provider.variables.dotenv import DotenvError
from processes.phases import BrokenStore, make_context

UPLOAD = DotenvUpload(object_key="a/dotenv.json", paths=("*.env",))


def write(context: PhaseContext, **files: str) -> None:
    for name, text in files.items():
        (context.project_dir / f"{name}.env").write_text(text)


def test_variables_become_an_object(tmp_path: Path):
    """All files of the report together, noted for the later jobs, values in no log."""
    context = make_context(tmp_path)
    write(context, a="A=secret\n", b="B=2\n")

    upload_dotenv(context, UPLOAD)

    stored = tmp_path / "objects" / "a" / "dotenv.json"
    assert json.loads(stored.read_text()) == [["A", "secret"], ["B", "2"]]
    assert [(one.kind, one.object_key) for one in context.reports] == [("dotenv", "a/dotenv.json")]


def test_values_are_in_no_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """Neither when they are kept nor when the report is refused."""
    context = make_context(tmp_path)
    write(context, a="A=secret\n")
    upload_dotenv(context, UPLOAD)
    write(context, a="A=secret\nno secret\n")

    with pytest.raises(DotenvError, match="line 2"):
        upload_dotenv(context, UPLOAD)
    assert "secret" not in capfd.readouterr().out


def test_a_missing_file_warns(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """As with other artifacts, the job does not fail for it."""
    context = make_context(tmp_path)

    upload_dotenv(context, UPLOAD)

    assert "no matching files" in capfd.readouterr().out
    assert context.reports == []


def test_links_are_not_followed(tmp_path: Path):
    """A job cannot read the helper's own files into a report."""
    context = make_context(tmp_path)
    (tmp_path / "plan.json").write_text("PASSWORD=x\n")
    (context.project_dir / "link.env").symlink_to(tmp_path / "plan.json")

    upload_dotenv(context, UPLOAD)

    assert context.reports == []


def test_a_store_that_fails_fails_the_job(tmp_path: Path):
    """Later jobs would run with other values than the job has written."""
    context = make_context(tmp_path, store=BrokenStore(tmp_path / "objects", failures=99))
    write(context, a="A=1\n")

    with pytest.raises(SystemFailure, match="cannot upload the dotenv report"):
        upload_dotenv(context, UPLOAD)

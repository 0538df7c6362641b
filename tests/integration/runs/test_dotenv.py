"""Variables of dotenv reports from a real S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks import object_store
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.runs.dotenv import inherited_variables, own_variables
from servers.s3 import S3Server, s3_server

pytestmark = pytest.mark.integration


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    """A server with the reports of two jobs."""
    with s3_server(tmp_path / "s3") as server:
        for key, pairs in {"one": [["A", "1"], ["B", "1"]], "two": [["B", "ü\n"]]}.items():
            server.put(key, json.dumps(pairs).encode())
        yield server


def report(key: str, kind: str = "dotenv") -> tuple[ArtifactReport, ...]:
    return (ArtifactReport(kind=kind, object_key=key),)


def test_variables_of_all_jobs_in_reach(s3: S3Server):
    """The later job wins where names are equal; other reports are none of this."""
    found = inherited_variables(
        {"a": report("one"), "b": report("x", kind="junit"), "c": report("two")}, s3.target()
    )

    assert {one.name: one.value for one in found} == {"A": "1", "B": "ü\n"}


def test_a_job_can_read_its_own(s3: S3Server):
    """`environment:url` may use them."""
    assert [one.name for one in own_variables(report("one"), s3.target())] == ["A", "B"]


def test_a_report_that_is_gone_fails_the_job(s3: S3Server):
    """It would run with other values than it should, as when artifacts are gone."""
    with pytest.raises(SystemFailure, match="variables of job 'a' are gone") as problem:
        inherited_variables({"a": report("none")}, s3.target())

    assert problem.value.reason == "missing_dependency_failure"


def test_a_store_that_starts_anew_is_waited_for(s3: S3Server, monkeypatch: pytest.MonkeyPatch):
    """A job does not fail because the store was away for some seconds."""
    s3.kill()
    monkeypatch.setattr(object_store, "sleep_about", lambda _: s3.start())

    assert [one.name for one in own_variables(report("one"), s3.target())] == ["A", "B"]


def test_no_reports_no_store():
    """Jobs without them never touch the store."""
    assert inherited_variables({"a": ()}, None) == ()

"""Which jobs have their task ended by the triggerer when they pass."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.release import Release
from gitlab_ci_provider.model.report import Reported, ReportLevel
from gitlab_ci_provider.model.termination_message import TerminationMessage, encode_message
from gitlab_ci_provider.pods.seen import SeenPod, decode_pod
from gitlab_ci_provider.runs.job import passed as module
from gitlab_ci_provider.runs.job.handover import Handover
from gitlab_ci_provider.runs.job.passed import needs_worker, passed
from gitlab_ci_provider.runs.job.position import Position
from unit.runs.support import RUN, make_job_run, make_task_context

ARCHIVE = "artifacts/group/project/7/deploy/1/artifacts.zip"
HANDOVER = Handover(
    connection="c",
    namespace="n",
    pod="p",
    uid="u",
    deadline=1.0,
    position=Position(coverage=93.0),
    services=("db",),
    archive_key=ARCHIVE,
)

PLAIN: dict[str, Any] = {"environment": None, "release": None}
OPERATOR: dict[str, Any] = {"outlets": [], "on_success_callback": []}
JOBS = replace(RUN, report=Reported(level=ReportLevel.JOBS))
PIPELINES = replace(RUN, report=Reported(level=ReportLevel.PIPELINES))


@pytest.fixture(autouse=True)
def _nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's own example of a plugin does."""
    monkeypatch.setattr(module, "hears_of_successes", lambda: False)


def comes_back(record: Any = RUN, operator: Any = None, planned: Any = None) -> bool:
    run = make_job_run(make_task_context(), record=record)
    task: Any = SimpleNamespace(**{**OPERATOR, **(operator or {})})
    job: Any = SimpleNamespace(**{**PLAIN, **(planned or {})})
    return needs_worker(task, run, job)


@pytest.mark.parametrize("record", [RUN, PIPELINES])
def test_nobody_comes_back_to_a_plain_job(record: Any):
    """GitLab is told of the pipeline at its end."""
    assert not comes_back(record)


@pytest.mark.parametrize(
    "job",
    [
        {"planned": {"environment": JobEnvironment(name="e", slug="e", tier="other")}},
        {"planned": {"release": Release(tag_name="1", description="")}},
        {"record": replace(RUN, resource_groups={"deploy": "production"})},
        {"record": JOBS},
        {"operator": {"outlets": ["asset"]}},
        {"operator": {"on_success_callback": [print]}},
    ],
    ids=["environment", "release", "resource group", "GitLab is told", "asset", "callback"],
)
def test_a_worker_comes_back_when_more_is_to_be_done(job: dict[str, Any]):
    """It deploys, releases, frees, tells, or calls."""
    assert comes_back(**job)


def test_a_worker_comes_back_when_a_plugin_hears_of_successes(monkeypatch: pytest.MonkeyPatch):
    """Airflow tells plugins of tasks that end in a worker only."""
    monkeypatch.setattr(module, "hears_of_successes", lambda: True)

    assert comes_back()


def ended(
    helper: TerminationMessage | None = None, *, build: int = 0, deaths: int = 0, **metadata: str
) -> SeenPod:
    """A pod that has ended, with success but for what is said; its service may have died."""
    message = encode_message(helper or TerminationMessage()).decode()
    prepare, *others = (
        {"name": name, "state": {"terminated": {"exitCode": code, "message": message}}}
        for name, code in (("prepare", 0), ("build", build), ("helper", 0))
    )
    last = {"terminated": {"exitCode": 1}} if deaths else {}
    service = {
        "name": "db",
        "restartCount": deaths,
        "state": {"running": {}},
        "lastState": last,
    }
    status = {"initContainerStatuses": [prepare, service], "containerStatuses": others}
    return decode_pod(
        json.dumps({"metadata": {"name": "p", **metadata}, "status": status}).encode()
    )


def left(*keys: str, left_out: int = 0) -> TerminationMessage:
    """What the helper says it has stored."""
    artifacts = tuple(JobArtifact(name="a", object_key=key) for key in keys)
    return TerminationMessage(artifacts=artifacts, left_out=left_out)


def test_the_result_is_what_a_worker_would_have_recorded():
    """Exit code, artifacts, coverage and the name of the pod."""
    result = passed(HANDOVER, ended(left(ARCHIVE)))

    assert result is not None
    assert (result.status, result.exit_code, result.coverage) == ("success", 0, 93)
    assert [one.object_key for one in result.artifacts] == [ARCHIVE]
    assert result.pod == "p"


@pytest.mark.parametrize(
    "pod",
    [
        None,
        ended(build=1),
        ended(left("artifacts/other/project/1/deploy/1/artifacts.zip")),
        ended(left(ARCHIVE, left_out=2)),
        ended(deaths=1),
        ended(deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
    ids=["not seen", "failed", "foreign", "left out", "service died", "deleted"],
)
def test_a_worker_looks_at_a_pod_that_has_more_to_tell(pod: SeenPod | None):
    """It says in the log what has happened."""
    assert passed(HANDOVER, pod) is None


@pytest.mark.parametrize("change", [{"why": "stuck"}, {"archive_key": ""}])
def test_a_worker_looks_at_a_pod_that_it_has_to_come_back_to(change: dict[str, Any]):
    """Before the pod was left, or because of how it was followed."""
    assert passed(replace(HANDOVER, **change), ended()) is None

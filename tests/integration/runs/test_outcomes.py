"""Deployments, releases and comments in GitLab: made once, and none that authors may not make."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import GitlabApiError, StateError
from gitlab_ci_provider.model.environment import JobEnvironment
from gitlab_ci_provider.model.project import Project, Ref, RefKind
from gitlab_ci_provider.model.release import Release, ReleaseLink
from gitlab_ci_provider.model.report import (
    CommitState,
    CommitStatus,
    JobOutcome,
    Report,
    Reported,
    ReportLevel,
)
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.operators import send_reports
from gitlab_ci_provider.runs.report.outcome import comment, job_outcome
from gitlab_ci_provider.runs.report.send import send_all, send_left
from gitlab_ci_provider.runs.task_errors import TaskFailedForNow
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import State, open_state
from servers.gitlab.faults import Fault
from servers.gitlab.server import GitLab, gitlab_server
from servers.gitlab.world import Project as Served

pytestmark = pytest.mark.integration

PATH = "shop/site"
LONG_AGO, LATER = "2020-01-01T00:00:00+00:00", 10_000_000_000.0
LATER_ON = "2999-01-01T00:00:00+00:00"
REVIEW = JobEnvironment(
    name="review/a",
    slug="review-a",
    tier="development",
    url="https://a.example.com",
    says=("url", "tier"),
)
RELEASE = Release(
    tag_name="v1",
    description="NEWS.md",
    links=(ReleaseLink(name="app", url="https://example.com/app", filepath="/app"),),
)
DONE = CommitStatus(name="Airflow", state=CommitState.SUCCESS, url="https://airflow/run")


@dataclass
class Told:
    """A project that is told the outcomes of pipelines."""

    gitlab: GitLab
    settings: Settings
    ref: Ref

    @property
    def state(self) -> State:
        """The state of the installation."""
        return open_state(self.settings)

    @property
    def project(self) -> Served:
        """The project in GitLab."""
        return self.gitlab.world.projects[PATH]

    def things(self, name: str) -> list[dict[str, Any]]:
        """List what GitLab has of a kind."""
        return self.project.things.get(name, [])

    def report(self, *outcomes: JobOutcome, **given: Any) -> Report:
        """Make the report of a pipeline that has passed."""
        usual: dict[str, Any] = {
            "project": Project(path=PATH, clone_url=f"{self.gitlab.url}/{PATH}.git"),
            "ref": self.ref,
            "pipeline": 7,
            "reported": Reported(level=ReportLevel.JOBS, merge_request=5),
            "written_at": 0.0,
            "names": ("Airflow",),
            "created_at": LONG_AGO,
            "statuses": (DONE,),
            "outcomes": outcomes,
        }
        return Report(**{**usual, **given})

    def send(self, *outcomes: JobOutcome, **given: Any) -> tuple[str, ...]:
        """Send the report of a pipeline, as its end does; what GitLab has refused."""
        report = self.report(*outcomes, **given)
        self.state.reports.keep(report)
        return send_all(self.settings, self.state, report)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """A project with a merge request, and a protected branch."""
    with gitlab_server(tmp_path / "gitlab") as running:
        project = running.world.add_project(PATH, {"NEWS.md": "what is new\n"})
        project.things["merge_requests"] = [{"iid": 5}]
        running.world.add_token("robot", levels={"shop": 40}, user="robot")
        extra = {"report": "jobs", "comments": True}
        value = {"conn_type": "gitlab", "host": running.url, "password": "robot", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_GL", json.dumps(value))
        settings = Settings(home=tmp_path / "home", git_conn_ids="gl")
        sha = (project.git("rev-parse", "main") or b"").decode().strip()
        yield Told(running, settings, Ref(name="main", sha=sha, protected=True))


def test_a_deployment_is_made_once_with_its_environment(told: Told):
    """The job tells it, the end of the pipeline finds it; address and tier are the job's."""
    for _ in range(2):
        told.send(JobOutcome(job="deploy", environment=REVIEW))

    assert [one["status"] for one in told.things("deployments")] == ["success"]
    assert told.things("deployments")[0]["sha"] == told.ref.sha
    environment = told.things("environments")[0]
    assert (environment["external_url"], environment["tier"]) == (REVIEW.url, "development")


def test_what_a_job_does_not_say_of_its_environment_stays_as_a_person_has_set_it(told: Told):
    """GitLab guesses the tier of a new environment by itself; ours may be older than a person's."""
    told.send(JobOutcome(job="deploy", environment=REVIEW))
    environment = told.things("environments")[0]
    environment.update(tier="staging", external_url="https://b.example.com")

    told.send(JobOutcome(job="deploy", environment=replace(REVIEW, says=())), created_at=LATER_ON)

    assert len(told.things("deployments")) == 2
    assert (environment["external_url"], environment["tier"]) == (
        "https://b.example.com",
        "staging",
    )


def test_a_later_pipeline_of_the_commit_deploys_again(told: Told):
    """What an earlier pipeline has deployed is not taken for what this one has."""
    told.send(JobOutcome(job="deploy", environment=REVIEW))
    told.send(JobOutcome(job="deploy", environment=REVIEW), created_at=LATER_ON)

    assert len(told.things("deployments")) == 2


def test_a_deployment_that_has_failed_is_told_as_that(told: Told):
    """Once; one that then succeeds is another."""
    failed = job_outcome("deploy", JobResult(status=JobStatus.FAILED, environment=REVIEW))
    assert failed
    for outcome in (failed, failed, JobOutcome(job="deploy", environment=REVIEW)):
        told.send(outcome)

    assert [one["status"] for one in told.things("deployments")] == ["failed", "success"]


def test_a_project_that_was_renamed_is_told_by_its_number(told: Told):
    """GitLab changes nothing at the old path of a project; what was left for it still arrives."""
    project = replace(told.report().project, id=told.project.id, gitlab_conn_id="gl")
    moved = told.project
    told.gitlab.world.move(PATH, "shop/renamed")
    report = told.report(JobOutcome(job="deploy", environment=REVIEW), project=project)
    told.state.reports.keep(report)

    send_left(told.settings, told.state, LATER)

    assert [one["status"] for one in moved.things["deployments"]] == ["success"]
    assert [one["name"] for one in moved.things["statuses"]] == ["Airflow"]


def test_the_maintenance_dag_sends_what_was_left(told: Told, monkeypatch: pytest.MonkeyPatch):
    """Though no pipeline ends; while GitLab is away, its task waits and is tried again."""
    task = SimpleNamespace(settings=told.settings, state=told.state)
    monkeypatch.setattr(send_reports, "open_task", lambda _: task)
    told.state.reports.keep(told.report())
    told.gitlab.faults.order(Fault("POST .*/statuses", times=1, status=500))
    operator = send_reports.SendReportsOperator(task_id="report")

    with pytest.raises(TaskFailedForNow, match="has failed"):
        operator.execute({})
    assert operator.execute({}) == 1
    assert [one["name"] for one in told.things("statuses")] == ["Airflow"]


def test_an_environment_is_stopped(told: Told):
    """By the job with `action: stop`; one that is stopped or unknown is left alone."""
    stop = JobOutcome(job="stop", environment=replace(REVIEW, action="stop"))
    told.send(stop)
    told.send(JobOutcome(job="deploy", environment=REVIEW))
    told.send(stop)
    told.send(stop)

    assert [one["state"] for one in told.things("environments")] == ["stopped"]
    assert len([one for one in told.gitlab.requests if one.endswith("/stop")]) == 1


def test_a_release_is_made_once_with_tag_text_and_links(told: Told):
    """The description is that of a file of the commit, if it names one."""
    for _ in range(2):
        told.send(JobOutcome(job="release", release=RELEASE))

    (release,) = told.things("releases")
    assert release["description"] == "what is new\n"
    assert release["assets"]["links"][0]["direct_asset_path"] == "/app"
    assert told.project.git("rev-parse", "v1") == f"{told.ref.sha}\n".encode()


@pytest.mark.parametrize(
    ("ref", "made"),
    [
        ({"name": "feature"}, False),
        ({"name": "v1"}, False),
        ({"name": "v1", "kind": RefKind.TAG}, True),
        ({"name": "v2", "kind": RefKind.TAG}, False),
    ],
    ids=["branch", "branch named as the tag", "the tag", "another tag"],
)
def test_a_branch_that_is_not_protected_releases_nothing(
    told: Told, ref: dict[str, Any], made: bool
):
    """The token may make tags that the author of the pipeline may not."""
    told.ref = replace(told.ref, protected=False, **ref)
    told.send(JobOutcome(job="release", release=RELEASE))

    assert bool(told.things("releases")) is made


def test_one_comment_is_updated(told: Told):
    """Ours, though others have written its marker; pipelines without a merge request have none."""
    notes = told.project.things.setdefault("merge_requests/5/notes", [])
    stranger = {"id": 999, "username": "mallory"}
    notes.append({"id": 900, "body": "<!-- airflow-provider-gitlab-ci -->", "author": stranger})

    told.send()
    told.send(statuses=(replace(DONE, state=CommitState.FAILED, description="failed: test"),))
    told.send(reported=Reported(level=ReportLevel.JOBS))

    assert [note["id"] == 900 for note in notes] == [True, False]
    assert notes[0]["body"] == "<!-- airflow-provider-gitlab-ci -->"
    assert "**[Pipeline 7 in Airflow](<https://airflow/run>): failed**" in notes[1]["body"]


def test_authors_command_nothing_with_a_comment():
    """No line begins with a quick action, and what they have chosen stays in its code span."""
    evil = "x`\n/merge\r\n/approve | @all <b>"
    status = CommitStatus(name=evil, state=CommitState.FAILED, description=evil)
    text = comment(7, [status, replace(DONE, description=evil)])

    assert not [line for line in text.splitlines() if line.strip().startswith("/")]
    assert text.count("`") == 6
    assert text.count("|") == 4 * 3


def test_what_gitlab_refuses_is_given_up_and_what_it_does_not_answer_is_not(
    told: Told, caplog: pytest.LogCaptureFixture
):
    """A refused deployment keeps no report; one that was not answered is made later."""
    deploy = JobOutcome(job="deploy", environment=REVIEW)
    told.gitlab.faults.order(Fault("POST .*/deployments", times=1, status=403))
    assert told.send(deploy) == ("of the deployment or release of deploy",)
    assert "GitLab was not told of the deployment or release of deploy" in caplog.text
    assert list(told.state.reports.left()) == []

    told.gitlab.faults.order(Fault("POST .*/deployments", times=1, status=500))
    with pytest.raises(GitlabApiError, match="has failed"):
        told.send(deploy)
    send_left(told.settings, told.state, LATER)

    assert len(told.things("deployments")) == 1
    assert list(told.state.reports.left()) == []


def test_a_report_that_is_always_refused_does_not_hold_up_others(told: Told):
    """Its project may be gone; after a week it is forgotten."""
    made = datetime.fromisoformat(LONG_AGO).timestamp()
    gone = replace(told.ref, sha="0" * 40)
    told.state.reports.keep(told.report(pipeline=1, ref=gone, written_at=made))
    told.state.reports.keep(told.report(pipeline=2, written_at=made))

    send_left(told.settings, told.state, made + 3600)
    assert [one.pipeline for one in told.state.reports.left()] == [1]
    assert told.things("statuses")
    send_left(told.settings, told.state, LATER)

    assert list(told.state.reports.left()) == []


def test_of_many_pipelines_at_once_none_reads_the_reports_of_all_others(told: Told):
    """What is newer than the first young one is no leftover, and is not read."""
    young = datetime.fromisoformat(LONG_AGO).timestamp() + 60
    told.state.reports.keep(told.report(pipeline=1))
    told.state.reports.store.write("reports/000000000002", b"cannot be read")

    assert send_left(told.settings, told.state, young) == 0
    with pytest.raises(StateError):
        send_left(told.settings, told.state, LATER)


@pytest.mark.parametrize(
    ("result", "has"),
    [
        (JobResult(status=JobStatus.SUCCESS, environment=REVIEW), True),
        (JobResult(status=JobStatus.SUCCESS, release=RELEASE), True),
        (JobResult(status=JobStatus.FAILED, environment=REVIEW), True),
        (JobResult(status=JobStatus.FAILED, environment=replace(REVIEW, action="stop")), False),
        (JobResult(status=JobStatus.FAILED, release=RELEASE), False),
        (JobResult(status=JobStatus.SUCCESS, environment=replace(REVIEW, action="verify")), False),
        (JobResult(status=JobStatus.SUCCESS), False),
    ],
)
def test_which_jobs_have_an_outcome(result: JobResult, has: bool):
    """Those that have passed and deploy, stop or release, and deployments that have failed."""
    assert (job_outcome("job", result) is not None) is has

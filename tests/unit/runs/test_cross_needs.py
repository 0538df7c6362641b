"""What jobs take from other pipelines."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from factories import RUN, make_entry, make_job, make_pipeline, make_run, make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.needs import CrossNeed
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.runs.context import RunContext
from gitlab_ci_provider.runs.cross_needs import cross_results
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state

PIPELINE = make_pipeline(make_job("a"), make_job("absent"))
JOBS = {name: JobDecision(job=name, present=name == "a") for name in PIPELINE.jobs}
SECRET = "a-masked-value"


@dataclass
class Results:
    """The XComs of other runs, as a task reads them; and the home folder that goes with them."""

    settings: Settings
    left: dict[tuple[str, str], Any] = field(default_factory=dict)

    def xcom_pull(self, *, dag_id: str, run_id: str, task_ids: str, key: str) -> Any:
        assert dag_id == "group__project"
        if key == xcom_keys.PIPELINE:
            return plain(make_run(decisions=JOBS))
        assert key == xcom_keys.JOB_RESULT
        return self.left.get((run_id, task_ids))

    def pipeline(self, run: str, status: JobStatus, **changes: Any) -> int:
        """Register a pipeline whose job `a` ended like this, and left an archive."""
        digest = open_state(self.settings).snapshots.save_pipeline(PIPELINE)
        expire_at = changes.pop("expire_at", None)
        entry = make_entry(run_id=run, digest=digest, **changes)
        artifact = JobArtifact(name="artifacts", object_key=f"key of {run}", expire_at=expire_at)
        self.left[run, "a"] = plain(JobResult(status=status, artifacts=(artifact,)))
        return open_state(self.settings).register.enter(entry).id

    def find(
        self, *needs: CrossNeed, known: Variables = Variables(), **variables: str
    ) -> dict[str, str]:
        """Look for what a job needs; return the keys of the archives."""
        given = known | make_variables(**variables)
        context: Any = {"ti": self}
        run = RunContext(
            context=context,
            settings=self.settings,
            state=open_state(self.settings),
            record=RUN,
            pipeline=PIPELINE,
            ended={},
        )
        found = cross_results(run, needs, given)
        return {label: result.artifacts[0].object_key for label, result in found.items()}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(Settings(home=tmp_path))


def test_a_pipeline_is_found_by_its_number(results: Results):
    """The number comes in a variable; the job may have failed and left something all the same."""
    number = results.pipeline("run", JobStatus.FAILED)

    found = results.find(CrossNeed(pipeline="$PARENT", job="a"), PARENT=str(number))

    assert found == {f"a of pipeline {number}": "key of run"}


def test_the_latest_successful_job_of_a_ref_counts(results: Results):
    """A newer pipeline in which the job failed is passed over."""
    results.pipeline("old", JobStatus.SUCCESS)
    results.pipeline("good", JobStatus.SUCCESS)
    results.pipeline("bad", JobStatus.FAILED)
    need = CrossNeed(project="group/$NAME", ref="main", job="a")

    assert results.find(need, NAME="project") == {"a of group/project@main": "key of good"}


def test_without_artifacts_nothing_is_looked_for(results: Results):
    """`artifacts: false` asks for nothing of another pipeline."""
    assert results.find(CrossNeed(pipeline="1", job="a", artifacts=False)) == {}


@pytest.mark.parametrize(
    "need",
    [
        CrossNeed(pipeline="$UNSET", job="a"),
        CrossNeed(pipeline="77", job="a"),
        CrossNeed(pipeline="1", job="nope"),
        CrossNeed(pipeline="2", job="a"),
        CrossNeed(project="group/project", ref="nope", job="a"),
    ],
)
def test_what_cannot_be_had_keeps_the_job_from_starting(results: Results, need: CrossNeed):
    """An unknown number, job or project, or another project's number; GitLab's words say it."""
    results.pipeline("run", JobStatus.SUCCESS)
    results.pipeline("other", JobStatus.SUCCESS, project="group/other")

    with pytest.raises(SystemFailure, match="could not retrieve the needed artifacts") as refused:
        results.find(need)

    assert refused.value.reason == "missing_dependency_failure"


@pytest.mark.parametrize(("pipeline", "job"), [("1", "nope"), ("1", "absent"), ("77", "a")])
def test_an_optional_job_may_be_missing(results: Results, pipeline: str, job: str):
    """With `optional: true`, what the other pipeline does not have is not needed."""
    results.pipeline("run", JobStatus.SUCCESS)

    assert results.find(CrossNeed(pipeline=pipeline, job=job, optional=True)) == {}


def test_an_optional_job_that_is_there_is_needed(results: Results):
    """It is fetched; one that has left nothing keeps the job from starting, optional or not."""
    results.pipeline("run", JobStatus.SUCCESS)
    results.pipeline("other", JobStatus.SUCCESS)
    del results.left["other", "a"]

    assert results.find(CrossNeed(pipeline="1", job="a", optional=True))
    with pytest.raises(SystemFailure, match="could not retrieve the needed artifacts"):
        results.find(CrossNeed(pipeline="2", job="a", optional=True))


def test_what_has_expired_is_not_taken(results: Results, monkeypatch: pytest.MonkeyPatch):
    """As in GitLab, also before it is deleted; the latest successful pipeline of a ref keeps it."""
    monkeypatch.setattr("gitlab_ci_provider.runs.cross_needs.run_is_open", lambda *_: False)
    old = results.pipeline("old", JobStatus.SUCCESS, expire_at=2)
    new = results.pipeline("new", JobStatus.SUCCESS, expire_at=2)
    settings = replace(results.settings, artifacts_keep_latest=10**10)
    results.settings = settings
    for number in (old, new):
        open_state(settings).register.finish(number, "success")

    assert results.find(CrossNeed(pipeline=str(new), job="a"))
    with pytest.raises(SystemFailure, match="or they have expired"):
        results.find(CrossNeed(pipeline=str(old), job="a"))


def test_another_project_has_to_allow_it(results: Results, monkeypatch: pytest.MonkeyPatch):
    """As GitLab's job token allowlist: only a project itself, until it lists others."""
    results.pipeline("theirs", JobStatus.SUCCESS, project="group/other")
    need = CrossNeed(project="group/other", ref="main", job="a")

    with pytest.raises(SystemFailure, match="group/other does not allow group/project"):
        results.find(need)
    scope = {"group/other": {"job_token_scope": {"allowlist": ["group/project"]}}}
    monkeypatch.setenv("AIRFLOW_VAR_GITLAB_CI_PROJECTS", json.dumps(scope))
    assert results.find(need) == {"a of group/other@main": "key of theirs"}


def test_nobody_is_told_which_projects_exist(results: Results):
    """One that does not exist and one that does not allow it look the same."""
    results.pipeline("theirs", JobStatus.SUCCESS, project="group/other")

    said = []
    for name in ("group/other", "group/nothing"):
        with pytest.raises(SystemFailure) as refused:
            results.find(CrossNeed(project=name, ref="main", job="a"))
        said.append(str(refused.value).replace(name, "X"))

    assert said[0] == said[1]


def test_what_is_not_there_does_not_show_the_variable_it_is_named_by(results: Results):
    """The reason is in XComs, notes and on GitLab."""
    token = Variables([Variable(name="TOKEN", value=SECRET, masked=True)])

    with pytest.raises(SystemFailure, match=r"\[MASKED\] of pipeline 1") as failed:
        results.find(CrossNeed(job="$TOKEN", pipeline="1"), known=token)

    assert SECRET not in str(failed.value)

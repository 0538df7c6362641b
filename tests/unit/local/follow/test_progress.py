"""The status of each job of a run that is followed."""

from __future__ import annotations

import json
from typing import Any

from factories import make_context, make_job, make_pipeline, make_run
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.airflow_api.session import Access
from gitlab_ci_provider.local.follow.progress import Follower
from gitlab_ci_provider.model.names import CREATE_PIPELINE
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import AllowFailure, Rule, When
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.rules.evaluate import decide_pipeline
from servers.fake_airflow import Answer, answering

MANUAL = Rule(when=When.MANUAL, allow_failure=AllowFailure(allowed=True))
PIPELINE = make_pipeline(
    make_job("done"),
    make_job("broken"),
    make_job("killed"),
    make_job("going"),
    make_job("later"),
    make_job("gate", rules=(Rule(when=When.MANUAL, allow_failure=AllowFailure(allowed=False)),)),
    make_job("out", rules=(Rule(when=When.NEVER),)),
    make_job("optional", rules=(MANUAL,)),
    make_job("after", stage="deploy"),
)
STATES = {
    "done": "success",
    "broken": "failed",
    "killed": "failed",
    "going": "running",
    "later": "deferred",
    "gate": "awaiting_input",
    "out": "skipped",
    "optional": "skipped",
}


class Airflow:
    """Has one run, with the states above, and what its tasks have left."""

    def __init__(self, pipeline: Pipeline, *, created: bool = True):
        decisions = decide_pipeline(pipeline, make_context()).jobs
        self.left: dict[tuple[str, str], Any] = {
            ("broken", "job_result"): JobResult(status=JobStatus.FAILED, exit_code=3),
        }
        states: dict[str, str | None] = {CREATE_PIPELINE: "success" if created else "running"}
        if created:
            self.left[CREATE_PIPELINE, "pipeline"] = make_run(decisions=decisions)
            states |= STATES
        else:
            states["out"] = "skipped"
        self.tasks = [
            {
                "id": f"id-{task}",
                "task_id": task,
                "state": state,
                "try_number": 1,
                "start_date": None,
                "duration": None,
            }
            for task, state in states.items()
        ]

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        """Answer a request."""
        parts = path.partition("?")[0].split("/")
        if path == "/auth/token":
            return Answer(body={"access_token": "token"})
        if parts[-1] == "taskInstances":
            return Answer(body={"task_instances": self.tasks, "total_entries": len(self.tasks)})
        if parts[-2] == "xcomEntries":
            left = self.left.get((parts[-3], parts[-1]))
            found = Answer(body={"value": json.loads(encode(left))})
            return found if left is not None else Answer(404)
        return Answer(body={"state": "running"})


def look(airflow: Airflow) -> dict[str, str]:
    """Follow the run and give the status of each job."""
    with answering(airflow) as url:
        follower = Follower(AirflowApi(Access(url=url)), "dag", "run", PIPELINE)
        return {job.name: str(job.status) for job in follower.look().jobs}


def test_airflows_states_are_told_in_gitlabs_words():
    """A failed task whose job said nothing was stopped; a skipped one may be manual or absent."""
    assert look(Airflow(PIPELINE)) == {
        "done": "success",
        "broken": "failed",
        "killed": "canceled",
        "going": "running",
        "later": "delayed",
        "gate": "blocked",
        "out": "absent",
        "optional": "manual",
        "after": "created",
    }


def test_jobs_are_created_until_they_are_decided():
    """Until `create_pipeline` has ended; the tasks of absent ones are skipped before that."""
    assert set(look(Airflow(PIPELINE, created=False)).values()) == {"created"}


def test_a_manual_job_runs_once_it_has_waited():
    """Before, its task only decides that the job waits; a person's answer has it go on."""
    airflow = Airflow(PIPELINE)
    (gate,) = (task for task in airflow.tasks if task["task_id"] == "gate")
    seen = []
    with answering(airflow) as url:
        follower = Follower(AirflowApi(Access(url=url)), "dag", "run", PIPELINE)
        for gate["state"] in ("running", "awaiting_input", "running"):
            (status,) = (job.status for job in follower.look().jobs if job.name == "gate")
            seen.append(str(status))

    assert seen == ["pending", "blocked", "running"]

"""What `artifacts:expose_as` names for people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from factories import make_job, make_pipeline, make_run
from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.runs.context import RunContext
from gitlab_ci_provider.runs.record import exposed_artifacts, plain
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state

GOOD = JobResult(status=JobStatus.SUCCESS)
KEPT = replace(GOOD, artifacts=(JobArtifact(name="a", object_key="k"),))


def test_only_what_was_left_is_exposed(tmp_path: Path):
    """A job that has left nothing has nothing to show; others do not ask for it."""
    exposed = Artifacts(paths=("a",), expose_as="Report")
    jobs = (
        make_job("left", artifacts=exposed),
        make_job("nothing", artifacts=exposed),
        make_job("other", artifacts=Artifacts(paths=("a",))),
        make_job("plain"),
    )
    results = {"left": plain(KEPT), "nothing": plain(GOOD), "other": plain(KEPT)}
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: results.get(task_ids))
    settings = Settings(home=tmp_path)
    context: Any = {"ti": ti}
    run = RunContext(
        context=context,
        settings=settings,
        state=open_state(settings),
        record=make_run(),
        pipeline=make_pipeline(*jobs),
        ended={},
    )

    assert exposed_artifacts(run, {job.name: GOOD for job in jobs}) == ("Report (left)",)

"""What a job finds out about its run when its task starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factories import make_dag_record
from gitlab_ci_provider.model.names import FINISH_PIPELINE
from gitlab_ci_provider.runs import job_run
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from stores import save_dag
from unit.runs.support import PIPELINE, RUN, make_job_run, make_task, make_task_context


@pytest.mark.parametrize(
    ("held", "finish", "again"),
    [(True, None, False), (False, None, True), (False, "success", False)],
)
def test_a_pipeline_runs_again_if_its_end_will_be_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bool, finish: str | None, again: bool
):
    """Not if a person clears one job without what follows: nothing would end the pipeline."""
    settings, context = Settings(home=tmp_path), make_task_context()
    state = open_state(settings)
    digest = state.snapshots.save_pipeline(PIPELINE)
    record = replace(RUN, dag_id="dag", run_id="run", digest=digest)
    save_dag(state.snapshots, make_dag_record(dag_id="dag", digest=digest))
    if held:
        state.holds.take("dag", "run", digest)
    run = make_job_run(context, settings=settings, state=state, record=record)
    states = {"deploy": "running", FINISH_PIPELINE: finish}
    monkeypatch.setattr(job_run, "own_states", lambda _: states)
    monkeypatch.setattr(job_run, "pull_run", lambda *_: record)
    monkeypatch.setattr(job_run, "load_run", lambda *_: run)

    assert job_run.load_job_run(make_task(settings, context), "deploy").again is again
    assert state.holds.runs("dag").keys() == {"run"}

"""The pipeline that a bridge creates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories import make_job, make_plan_request
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.dag_runs import RunKey
from gitlab_ci_provider.model.bridge import Bridge, Upstream
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable
from gitlab_ci_provider.runs.bridge import downstream
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from unit.runs.support import make_job_run, make_task_context

SECRET = "a-masked-value"


@pytest.mark.parametrize(
    "bridge", [Bridge(project="group/$TOKEN"), Bridge(mirrored_pipeline="group/$TOKEN")]
)
def test_a_project_that_is_not_there_does_not_show_the_variable_it_is_named_by(
    bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The reason is in XComs, notes and on GitLab."""
    token = Variable(name="TOKEN", value=SECRET, masked=True)
    job = make_job("deploy", bridge=bridge)
    request = replace(make_plan_request(job), configured=ConfiguredVariables(project=(token,)))
    monkeypatch.setattr(downstream, "plan_request", lambda _: request)
    settings = Settings(home=tmp_path)
    given: Any = {"job": job, "settings": settings, "state": open_state(settings)}
    run = make_job_run(make_task_context(), **given)

    with pytest.raises(SystemFailure, match=r"group/\[MASKED\] is not known") as failed:
        downstream.BridgeRun(run).prepare()

    assert SECRET not in str(failed.value)


def test_a_run_that_another_trigger_has_started_is_not_taken_for_its_own(
    monkeypatch: pytest.MonkeyPatch,
):
    """Numbers begin anew when the state was deleted, while Airflow keeps its runs."""
    bridge = downstream.BridgeRun(make_job_run(make_task_context()))
    upstream = Upstream(job="deploy", task="deploy", ancestors=(), trigger="this")
    key = RunKey(dag="group__project...child", run="3-main-ef0a4fdb")
    started: dict[str, Any] = {}
    monkeypatch.setattr(downstream, "run_conf", lambda *_: started)

    bridge.check_own(key, upstream)
    started["upstream"] = {"trigger": "this"}
    bridge.check_own(key, upstream)
    started["upstream"] = {"trigger": "that"}
    with pytest.raises(SystemFailure, match="has another run 3-main-ef0a4fdb already: retry"):
        bridge.check_own(key, upstream)

"""What a run that claims to be a downstream pipeline is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factories import make_dag_record
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.bridge import Ancestor, Upstream
from gitlab_ci_provider.runs.create.upstream import take_over
from gitlab_ci_provider.runs.form import RunForm
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.settings import Settings
from unit.runs.support import make_task

PARENT = Ancestor(
    project="group/project",
    ref="main",
    source="push",
    pipeline=1,
    dag="group__project",
    run="protected",
)
CLAIM = Upstream(job="deploy", task="deploy", ancestors=(PARENT,), digest="of-any-snapshot")
RECORD = make_dag_record()


def _task(run_type: str, upstream: Upstream = CLAIM) -> Any:
    run = SimpleNamespace(run_type=run_type, conf={"upstream": plain(upstream)})
    return make_task(Settings(home=Path("x")), {"dag_run": run})


@pytest.mark.parametrize("run_type", ["manual", "scheduled", "backfill", "asset_triggered"])
def test_nobody_but_a_bridge_makes_a_downstream_pipeline(run_type: str):
    """Otherwise a person could choose a run's snapshot, with the protected ref of any parent."""
    with pytest.raises(ConfigError, match="for `trigger:` jobs only"):
        take_over(_task(run_type), RECORD, RunForm())


def test_a_bridge_is_believed():
    """Airflow itself says of a run that a task has started it."""
    form = take_over(_task("operator_triggered"), RECORD, RunForm())

    assert (form.source, form.upstream) == ("parent_pipeline", CLAIM)


def test_a_pipeline_of_another_project_is_for_the_commit_that_the_bridge_has_found():
    """A push in between may change its jobs; a commit that the run has pinned before stays."""
    task = _task("operator_triggered", replace(CLAIM, digest="", sha="a" * 40))

    assert take_over(task, RECORD, RunForm()).sha == "a" * 40
    assert take_over(task, RECORD, RunForm(sha="b" * 40)).sha == "b" * 40

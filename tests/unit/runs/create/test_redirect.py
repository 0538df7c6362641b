"""Runs in a DAG bundle that has versions: Airflow never gives them other jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from factories import make_context, make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.hooks.dag_runs import RunKey
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.runs.context import TaskContext
from gitlab_ci_provider.runs.create import redirect as redirecting
from gitlab_ci_provider.runs.create.pinned import Pinned
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from stores import save_dag
from unit.runs.support import make_task

OLD, NEW = make_pipeline(make_job("old")), make_pipeline(make_job("new"))
DAG, RUN = "group__project", "run"


@dataclass
class Installation:
    """A project whose DAG shows the new jobs in the state, and a run that began with others."""

    settings: Settings
    started: list[RunKey] = field(default_factory=list)

    def redirect(self, shown: Pipeline, wanted: Pipeline, **conf: Any) -> RunKey | None:
        """Find out where the run goes on."""
        task = self.task(conf)
        snapshots = task.state.snapshots
        record = make_dag_record(digest=snapshots.save_pipeline(NEW))
        save_dag(snapshots, record)
        pinned = Pinned(
            context=make_context(),
            digest=snapshots.save_pipeline(wanted),
            pipeline=wanted,
            repository=cast("Any", None),
        )
        return redirecting.redirect(task, record, shown, pinned)

    def task(self, conf: Mapping[str, Any]) -> TaskContext:
        """Make the task of the run; its bundle is in a version."""
        bundle = SimpleNamespace(version="20260131T120000.250Z-3fa9c1b2")
        ti = SimpleNamespace(dag_id=DAG, run_id=RUN, bundle_instance=bundle)
        started = SimpleNamespace(conf=conf, run_type="manual", triggering_user_name=None)
        context = {"ti": ti, "dag_run": started}
        return make_task(self.settings, context)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose Airflow starts every run."""
    made = Installation(Settings(home=tmp_path))

    def start(key: RunKey, *_: Any) -> bool:
        made.started.append(key)
        return True

    monkeypatch.setattr(redirecting, "start_run", start)
    return made


@pytest.mark.parametrize("jobs", [OLD, NEW], ids=["of its version", "of the newest commit"])
def test_a_run_that_has_the_jobs_stays(installation: Installation, jobs: Pipeline):
    """Also when the DAG has others by now; Airflow need not be asked."""
    assert installation.redirect(jobs, jobs) is None
    assert installation.started == []


def test_a_run_that_began_with_other_jobs_goes_on_elsewhere_at_once(installation: Installation):
    """The DAG has them, but Airflow had not read it: this run will never have them."""
    moved = installation.redirect(OLD, NEW)

    assert moved is not None
    assert [moved] == installation.started
    assert moved.dag.startswith(f"{DAG}..commits-")
    holds = open_state(installation.settings).holds
    assert (list(holds.runs(DAG)), list(holds.runs(moved.dag))) == ([], [RUN])


def test_a_run_that_may_not_go_elsewhere_says_which_jobs_it_lacks(installation: Installation):
    """It was moved before, and Airflow had an earlier version of its DAG."""
    with pytest.raises(ConfigError, match="new: new; gone: old"):
        installation.redirect(OLD, NEW, moved_from={"dag": "other", "run": RUN})

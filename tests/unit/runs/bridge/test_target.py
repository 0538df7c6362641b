"""The child pipeline that a bridge compiles, with real git."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from factories import PROJECT, make_dag_record, make_job, make_run
from gitlab_ci_provider.model.bridge import Ancestor, Bridge, Upstream
from gitlab_ci_provider.model.project import Commit, Ref
from gitlab_ci_provider.runs.bridge.target import child
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers.repositories import commit, make_repository
from stores import save_dag
from unit.runs.support import make_job_run, make_task_context

CHILD = """
include:
  - {local: api.yml, rules: [{changes: [api/*]}]}
  - {local: web.yml, rules: [{changes: [web/*]}]}
"""


def test_includes_of_a_child_see_the_changes_of_its_parent(tmp_path: Path):
    """As the rules of its jobs do: only what belongs to the changed folders is included."""
    files = {"child.yml": CHILD, "api.yml": "api: {script: x}", "web.yml": "web: {script: x}"}
    path = tmp_path / "group" / "project"
    before = make_repository(path, {**files, "api/a": "1", "web/a": "1"})
    sha = commit(path, {"web/a": "2"}, "change")
    settings = Settings(home=tmp_path / "home", dag_files=tmp_path / "dags")
    record = make_run(
        project=replace(PROJECT, clone_url=path.as_uri()),
        ref=Ref(name="main", sha=sha),
        commit=Commit(before_sha=before),
    )
    save_dag(open_state(settings).snapshots, make_dag_record(dag_id="dag", ref=record.ref))
    bridge = Bridge(includes=({"local": "child.yml"},))
    given: Any = {"settings": settings, "state": open_state(settings), "record": record}
    run = make_job_run(make_task_context(), job=make_job("bridge", bridge=bridge), **given)
    above = Ancestor(project=PROJECT.path, ref="main", source="push", pipeline=7, dag="d", run="r")

    made = child(run, bridge, Upstream(job="bridge", task="t", ancestors=(above,)), lambda *_: "n")

    pipeline = open_state(settings).snapshots.load_pipeline(made.digest)
    assert set(pipeline.jobs) == {"web"}

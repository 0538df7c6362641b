"""Fills the database of an Airflow, and the state, with runs as the scheduler would leave them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.models import DagRun  # noqa: TID251 - as the scheduler
from airflow.models.dagbag import DBDagBag  # noqa: TID251 - as the scheduler
from airflow.models.hitl import HITLDetail  # noqa: TID251 - as a task
from airflow.models.serialized_dag import SerializedDagModel  # noqa: TID251 - as the scheduler
from airflow.models.taskinstancehistory import TaskInstanceHistory  # noqa: TID251 - as the scheduler
from airflow.models.xcom import XComModel  # noqa: TID251 - as the scheduler
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from uuid6 import uuid7

from factories import CREATED_AT
from gitlab_ci_provider.model.about import about
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic
from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord
from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, dag_id, task_ids
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.reports import JunitReport, QualityReport, Results
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.rules.evaluate import decide_pipeline
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.state import State, open_state
from gitlab_ci_provider.storage.keys import results_key
from servers.pages import friendly as friends
from servers.pages.story import CONTEXT, FOUND, PASSED, STORIES, Left, Story, Told
from servers.repositories import make_repository
from stored_artifacts import Put, leave, zip_of

_BUNDLE = "dags-folder"
LISTED = "local__listed"
"""The project whose repository is on this machine."""


def seed(put: Put, *, friendly: bool) -> None:
    """Make the tables, all stories and what their jobs have stored.

    Args:
        put: stores an object.
        friendly: of a project as they are, instead of one whose author means no good.
    """
    initdb()
    DagBundlesManager().sync_bundles_to_db()
    state = open_state(load_settings())
    state.register.store.write("register/pipelines/last", b"39")
    for number, make in enumerate(friends.STORIES if friendly else STORIES, start=40):
        tell(stored(make(), number, put), number, state.snapshots)
        _enter(make(), state)
    if friendly:
        _deploy("acme/webshop", friends.MAIN, state, "https://staging.shop.example.com")
        _deploy("acme/webshop", friends.MAIN, state, "https://shop.example.com", "production")
    else:
        _deploy(CONTEXT.project.path, CONTEXT.ref, state)
    for path, found in (friends.FOUND if friendly else FOUND).items():
        _find(path, found, state.snapshots)
    if not friendly:
        _find_repository(state.snapshots)


def stored(story: Story, number: int, put: Put) -> Story:
    """Store what the jobs of a story have left, and have them say so."""
    jobs = {job: _left(story, number, job, told, put) for job, told in story.jobs.items()}
    return replace(story, jobs=jobs)


def _left(story: Story, number: int, job: str, told: Told, put: Put) -> Told:
    if told.left is None:
        return told
    project, result = _project(story), dict(told.result or {})
    if told.left.files:
        data = zip_of(told.left.files)
        key = leave(put, number, job, archive=data, project=project, access=told.left.access)
        made = JobArtifact(name=job, object_key=key, size=len(data), files=len(told.left.files))
        result["artifacts"] = [plain(made)]
    made_reports = []
    for kind, report, summary in _reports(job, told.left):
        key = leave(put, number, job, report=kind, project=project)
        data = encode(report)
        put(results_key(key), data)
        more = ArtifactReport(
            kind=kind,
            object_key=key,
            files=1,
            size=len(data),
            results_key=results_key(key),
            summary=summary,
        )
        made_reports.append(plain(more))
    if made_reports:
        result["reports"] = made_reports
    return replace(told, result=result)


def _reports(job: str, left: Left) -> Iterator[tuple[str, Results, Mapping[str, float]]]:
    """Make the reports of a job, as its helper would read them, with their numbers."""
    if left.tests:
        time = sum(case.time for case in left.tests)
        counts = Counter(str(case.status) for case in left.tests)
        report = JunitReport(name=job, cases=left.tests, time=time)
        yield "junit", report, {"total": counts.total(), **counts, "time": time}
    if left.findings:
        counts = Counter(found.severity for found in left.findings)
        yield "codequality", QualityReport(findings=left.findings), {"total": counts.total()}


def _enter(story: Story, state: State) -> None:
    request = story.merge_request
    entry = PipelineEntry(
        project=_project(story).path,
        dag_id=story.dag,
        run_id=story.run,
        ref=replace(story.ref, name=request.ref_path) if request else story.ref,
        source=CONTEXT.source,
        digest="",
        created_at=CREATED_AT,
    )
    state.register.enter(entry)


def _deploy(
    project: str,
    ref: Ref,
    state: State,
    url: str = "https://staging.example.com",
    name: str = "staging",
) -> None:
    """Let two people deploy to an environment."""
    for number, user in ((40, "grace"), (42, "ada")):
        made = Deployment(
            environment=name,
            ref=ref.name,
            sha=ref.sha,
            pipeline=number,
            job=name,
            finished_at=(datetime.now(UTC) - timedelta(hours=50 - number)).isoformat(),
            url=url,
            user=user,
        )
        last = state.environments.deploy(project, made)
        record = EnvironmentRecord(name=name, slug=name, tier=name, url=url, deployment=last)
        state.environments.change(project, name, lambda _, record=record: record)  # type: ignore[misc]


def _project(story: Story) -> Project:
    path = story.dag.replace("__", "/")
    return replace(CONTEXT.project, path=path, web_url=f"https://gitlab.example.com/{path}")


def _find(path: str, found: tuple[Diagnostic, ...], store: SnapshotStore) -> None:
    """Note what the last sync of a project has found, whether it has a DAG or not."""
    name = dag_id(path)
    known = store.find_dag(name)
    project = replace(CONTEXT.project, path=path)
    record = known or DagRecord(dag_id=name, project=project, ref=CONTEXT.ref)
    store.change_dag(name, lambda old: store.with_record(old, replace(record, diagnostics=found)))


def _find_repository(store: SnapshotStore) -> None:
    """Note that a repository on this machine did not compile; its last commit does."""
    folder = Path(os.environ["AIRFLOW_HOME"]) / "listed"
    make_repository(folder, {".gitlab-ci.yml": "greet: {script: 'true'}"})
    record = DagRecord(
        dag_id=LISTED,
        project=Project(path="local/listed", clone_url=folder.as_uri()),
        ref=Ref(name="main", sha=""),
        diagnostics=FOUND["group/secret"],
    )
    store.change_dag(LISTED, lambda old: store.with_record(old, record))


def tell(story: Story, number: int, store: SnapshotStore) -> None:
    """Make a run."""
    record = _record(story, number, store)
    began = datetime.now(UTC) - timedelta(minutes=30 - number % 10)
    with create_session() as session:
        run = _run(story, began, session)
        tasks = {task.task_id: task for task in run.get_task_instances(session=session)}
        told = {
            **{task: story.jobs.get(job) for job, task in task_ids(story.pipeline.jobs).items()},
            CREATE_PIPELINE: PASSED,
            FINISH_PIPELINE: PASSED if story.end else Told(state=None),
        }
        for name, said in told.items():
            _tell_task(tasks[name], said or Told(state=story.otherwise), began)
            if said and said.before:
                session.add(_try_before(tasks[name]))
            if said and said.question:
                session.add(HITLDetail(ti_id=tasks[name].id, **said.question))
            _write_log(story, name, said)
        session.flush()
        given: dict[tuple[str, str], Any] = {(CREATE_PIPELINE, "pin"): store.save_run(record)}
        given[CREATE_PIPELINE, "pipeline"] = plain(record)
        given[CREATE_PIPELINE, "about"] = plain(about(record))
        if story.end:
            given[FINISH_PIPELINE, "pipeline_result"] = dict(story.end)
        for name, said in told.items():
            if said and said.result:
                given[name, "job_result"] = dict(said.result)
            given |= {(name, key): value for key, value in (said.xcoms if said else {}).items()}
        for (task, key), value in given.items():
            place: Any = {"dag_id": story.dag, "task_id": task, "run_id": story.run}
            XComModel.set(key, value, **place, session=session)


def _write_log(story: Story, task: str, said: Told | None) -> None:
    if said is None or not said.log:
        return
    logs = Path(conf.get("logging", "base_log_folder"))
    folder = logs / f"dag_id={story.dag}" / f"run_id={story.run}" / f"task_id={task}"
    folder.mkdir(parents=True)
    for attempt, log in ((said.tries, said.log), (said.tries - 1, said.before)):
        entries = ({"timestamp": "2026-01-01T00:00:00Z", "event": line} for line in log)
        lines = "\n".join(map(json.dumps, entries))
        if log:
            (folder / f"attempt={attempt}.log").write_text(f"{lines}\n")


def _record(story: Story, number: int, store: SnapshotStore) -> PipelineRun:
    digest = store.save_pipeline(story.pipeline)
    project = _project(story)
    dag = DagRecord(dag_id=story.dag, project=project, ref=story.ref, digest=digest)
    store.change_dag(story.dag, lambda old: store.with_record(old, dag))
    decided = decide_pipeline(story.pipeline, CONTEXT)
    return PipelineRun(
        id=number,
        iid=number - 30,
        project=project,
        ref=story.ref,
        commit=story.commit,
        source=CONTEXT.source,
        digest=digest,
        created_at=(datetime.now(UTC) - timedelta(minutes=31)).isoformat(),
        name=decided.name,
        decisions=decided.jobs,
        user=story.user,
        upstream=story.upstream,
        merge_request=story.merge_request,
        dag_id=story.dag,
        run_id=story.run,
    )


def _run(story: Story, began: datetime, session: Any) -> DagRun:
    settings = load_settings()
    record = open_state(settings).snapshots.load_dag(story.dag)
    dag = render_dag(record, story.pipeline, settings)
    dag.fileloc, dag.relative_fileloc = str(Path(__file__)), "seed.py"
    lazy = LazyDeserializedDAG.from_dag(dag)
    SerializedDAG.bulk_write_to_db(_BUNDLE, None, [lazy], session=session)
    SerializedDagModel.write_dag(lazy, bundle_name=_BUNDLE, session=session)
    session.flush()
    known = DBDagBag().get_latest_version_of_dag(story.dag, session=session)
    assert known is not None
    run = known.create_dagrun(
        run_id=story.run,
        run_after=began,
        run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.REST_API,
        state=DagRunState(story.state),
        session=session,
    )
    run.queued_at = run.start_date = began
    if story.end:
        run.end_date = began + timedelta(minutes=7, seconds=12)
    return run


def _try_before(task: Any) -> TaskInstanceHistory:
    """Make what Airflow keeps of a try that has failed."""
    made = TaskInstanceHistory(task, state="failed")
    made.try_number = task.try_number - 1
    made.task_instance_id = uuid7()
    return made


def _tell_task(task: Any, said: Told, began: datetime) -> None:
    task.state, task.try_number = said.state, said.tries
    if said.state is None:
        return
    task.queued_dttm = task.start_date = began
    if said.state in {"success", "failed", "skipped"}:
        task.end_date = began + timedelta(seconds=said.seconds)
        task.duration = said.seconds

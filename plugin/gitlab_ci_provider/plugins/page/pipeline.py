"""A run as the pipeline page shows it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from gitlab_ci_provider.airflow_internals.run_rows import RunRow
from gitlab_ci_provider.model.airflow_states import RUN_ENDED
from gitlab_ci_provider.model.project import Project, RefKind
from gitlab_ci_provider.model.run import JobStatus, PipelineRun
from gitlab_ci_provider.model.run_address import page_path
from gitlab_ci_provider.plugins.page.jobs import WARNING, iso, safe_url
from gitlab_ci_provider.plugins.page.view import (
    JobView,
    MergeRequestView,
    PipelineView,
    RefView,
    StageView,
)
from gitlab_ci_provider.schedule.pipeline_result import PipelineStatus

BLOCKED = "blocked"
"""Status of a pipeline that waits for a person, and for nothing else."""

_MOVING = frozenset({JobStatus.PENDING, JobStatus.RUNNING, JobStatus.SCHEDULED})
_BY_HAND = "canceled by hand"
"""In the note of a run that a person has ended, see `plugins/run_note.py`."""


def pipeline_view(
    run: RunRow,
    record: PipelineRun | None,
    end: Mapping[str, Any],
    stages: tuple[StageView, ...],
    **more: Any,
) -> PipelineView:
    """Show a run.

    Args:
        run: as Airflow knows it.
        record: of its pipeline; None before there is one.
        end: what `finish_pipeline` said, if it has.
        stages: with its jobs.
        more: other fields of the view.
    """
    jobs = [job for stage in stages for job in stage.jobs]
    ended = run.state in RUN_ENDED
    about = {} if record is None else _about(record)
    return PipelineView(
        dag=run.dag_id,
        run=run.run_id,
        status=run_status(run, end, [BLOCKED if job.blocking else job.status for job in jobs]),
        **{"user": run.user, "created": iso(run.queued), **about},
        started=iso(run.started),
        ended=iso(run.ended) if ended else "",
        coverage=end.get("coverage") if ended else _coverage(jobs),
        text=str(end.get("text") or run.note) if ended else "",
        stages=stages,
        **more,
    )


def run_status(run: RunRow, end: Mapping[str, Any], jobs: Collection[str]) -> str:
    """Name the status of a pipeline, also `blocked` and `warning`.

    Args:
        run: as Airflow knows it.
        end: what `finish_pipeline` said, if it has.
        jobs: the statuses of its jobs; `blocked` for one that a person has to play.
    """
    if run.state in RUN_ENDED:
        return _ended_status(run, end, jobs)
    if run.state == "queued":
        return JobStatus.PENDING
    if BLOCKED in jobs and not _MOVING & set(jobs):
        return BLOCKED
    return JobStatus.RUNNING


def _ended_status(run: RunRow, end: Mapping[str, Any], jobs: Collection[str]) -> str:
    said = end.get("status")
    if run.state == "failed":
        bad = said in {PipelineStatus.FAILED, PipelineStatus.CANCELED}
        by_hand = JobStatus.CANCELED if _BY_HAND in run.note else JobStatus.FAILED
        return str(said) if bad else by_hand
    if said == PipelineStatus.SKIPPED:
        return JobStatus.SKIPPED
    return WARNING if end.get("warnings") or WARNING in jobs else JobStatus.SUCCESS


def _coverage(jobs: Iterable[JobView]) -> float | None:
    known = [job.coverage for job in jobs if job.coverage is not None]
    return round(sum(known) / len(known), 2) if known else None


def _about(record: PipelineRun) -> dict[str, Any]:
    """Show what the record of a pipeline says."""
    project, request = record.project, record.merge_request
    above = record.upstream.ancestors[-1] if record.upstream else None
    return {
        "id": record.id,
        "iid": record.iid,
        "name": record.name or "",
        "project": project.path,
        "project_url": safe_url(project.web_url),
        "ref": _ref(record),
        "merge_request": None
        if request is None
        else MergeRequestView(
            iid=request.iid,
            title=request.title,
            source=request.source_branch,
            target=request.target_branch,
            url=_page(project, f"merge_requests/{request.iid}") if request.iid else "",
        ),
        "source": record.source,
        "user": record.user,
        "schedule": record.schedule,
        "created": record.created_at,
        "upstream": page_path(above.dag, above.run) if above else "",
    }


def _ref(record: PipelineRun) -> RefView:
    commit, ref, project = record.commit, record.ref, record.project
    return RefView(
        name=ref.name,
        tag=ref.kind is RefKind.TAG,
        sha=ref.sha,
        title=commit.message.partition("\n")[0],
        author=commit.author.partition(" <")[0],
        committed=commit.timestamp,
        ref_url=_page(project, f"commits/{quote(ref.name)}"),
        commit_url=_page(project, f"commit/{ref.sha}"),
    )


def _page(project: Project, path: str) -> str:
    """Name a page of a project on its GitLab server; empty when it is not on one."""
    base = safe_url(project.web_url)
    return f"{base}/-/{path}" if base else ""


def file_page(project: Project, sha: str, file: str, line: int) -> str:
    """Name a line of a file at a commit on the project's GitLab server; empty without one."""
    return _page(project, f"blob/{sha}/{quote(file)}" + (f"#L{line}" if line else ""))

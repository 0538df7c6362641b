"""Which artifacts a job downloads and uploads."""

from __future__ import annotations

from gitlab_ci_provider.model.artifacts import Artifacts
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.plan import (
    ArtifactDownload,
    ArtifactUpload,
    DotenvUpload,
    ReportUpload,
)
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.storage.keys import dotenv_key, report_key
from gitlab_ci_provider.variables.expand import expand


def wanted_artifacts(job: Job, decision: JobDecision, earlier: tuple[str, ...]) -> tuple[str, ...]:
    """List the jobs whose artifacts a job downloads.

    With `needs` only the listed jobs, otherwise every job of the earlier stages; `dependencies`
    restricts both further.
    """
    needs = decision.needs if decision.needs is not None else job.needs
    jobs = earlier if needs is None else tuple(need.job for need in needs if need.artifacts)
    if job.dependencies is None:
        return jobs
    return tuple(name for name in jobs if name in job.dependencies)


def plan_downloads(request: PlanRequest) -> tuple[ArtifactDownload, ...]:
    """List what is fetched before the script, in the order of the jobs."""
    return tuple(
        ArtifactDownload(job=job, object_key=artifact.object_key, sha256=artifact.sha256)
        for job, artifacts in request.upstream.items()
        for artifact in artifacts
    )


def plan_uploads(request: PlanRequest) -> tuple[ArtifactUpload, ...]:
    """List what is kept after the script."""
    artifacts = request.job.artifacts
    if artifacts is None or not (artifacts.paths or artifacts.untracked):
        return ()
    variables = request.variables
    return (
        ArtifactUpload(
            name=expand(artifacts.name or "", variables) or "artifacts",
            object_key=request.archive_key,
            paths=tuple(expand(path, variables) for path in artifacts.paths),
            exclude=tuple(expand(path, variables) for path in artifacts.exclude),
            untracked=artifacts.untracked,
            when=artifacts.when,
            expire_in=_expire_in(request, artifacts),
            access=artifacts.readers,
        ),
    )


def plan_reports(request: PlanRequest) -> tuple[ReportUpload, ...]:
    """List the reports to keep, one per kind."""
    artifacts = request.job.artifacts
    if artifacts is None:
        return ()
    return tuple(
        ReportUpload(
            kind=kind,
            object_key=report_key(request.archive_key, kind),
            paths=tuple(expand(path, request.variables) for path in paths),
            expire_in=_expire_in(request, artifacts),
            access=artifacts.readers,
            format=(artifacts.coverage_format or "") if kind == "coverage_report" else "",
        )
        for kind, paths in artifacts.reports.items()
        if kind != "dotenv" and paths
    )


def _expire_in(request: PlanRequest, artifacts: Artifacts) -> int:
    if artifacts.expire_in is None:
        return request.limits.artifacts_expire_in
    return artifacts.expire_in


def plan_dotenv(request: PlanRequest) -> DotenvUpload | None:
    """Say where the variables go that the job writes for later ones; reports are always kept."""
    artifacts = request.job.artifacts
    paths = artifacts.reports.get("dotenv", ()) if artifacts else ()
    if not paths:
        return None
    return DotenvUpload(
        object_key=dotenv_key(request.archive_key),
        paths=tuple(expand(path, request.variables) for path in paths),
    )

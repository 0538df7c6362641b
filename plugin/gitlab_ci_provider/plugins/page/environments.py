"""The environments of a project on its pipelines' pages: where, and who deployed what. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gitlab_ci_provider.model.environment import Deployment, EnvironmentRecord
from gitlab_ci_provider.model.release import Release
from gitlab_ci_provider.plugins.page.jobs import safe_url

_MOST = 20
"""Deployments that are listed of an environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentView:
    """A deployment.

    Attributes:
        user: who played the job or started its pipeline; empty when that was not recorded.
        job_url: of the task in Airflow's UI.
        here: it is of this pipeline.
    """

    iid: int
    ref: str
    sha: str
    pipeline: int
    job: str
    finished: str
    user: str
    url: str
    job_url: str
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentView:
    """An environment with its newest deployments, the last one first."""

    name: str
    tier: str
    state: str
    url: str
    stops: str
    deployments: tuple[DeploymentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseView:
    """What a job asks for by `release:`."""

    job: str
    tag: str
    name: str
    description: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentsView:
    """The environments of a project, and the releases of a pipeline."""

    environments: tuple[EnvironmentView, ...] = ()
    releases: tuple[ReleaseView, ...] = ()


def environment_views(
    records: Iterable[EnvironmentRecord], deployments: Iterable[Deployment], pipeline: int
) -> tuple[EnvironmentView, ...]:
    """Show environments: those that this pipeline has deployed to first.

    Args:
        records: of the project.
        deployments: of the project, newest first.
        pipeline: CI_PIPELINE_ID of the page.
    """
    history: dict[str, list[Deployment]] = defaultdict(list)
    for each in deployments:
        history[each.environment].append(each)
    views = [_environment(record, history[record.name], pipeline) for record in records]
    return tuple(sorted(views, key=lambda view: not any(d.here for d in view.deployments)))


def _environment(
    record: EnvironmentRecord, deployments: list[Deployment], pipeline: int
) -> EnvironmentView:
    known = deployments or ([record.deployment] if record.deployment else [])
    return EnvironmentView(
        name=record.name,
        tier=record.tier,
        state=str(record.state),
        url=safe_url(record.url),
        stops=record.auto_stop_at,
        deployments=tuple(_deployment(each, pipeline) for each in known[:_MOST]),
    )


def _deployment(deployment: Deployment, pipeline: int) -> DeploymentView:
    return DeploymentView(
        iid=deployment.iid,
        ref=deployment.ref,
        sha=deployment.sha,
        pipeline=deployment.pipeline,
        job=deployment.job,
        finished=deployment.finished_at,
        user=deployment.user,
        url=safe_url(deployment.url),
        job_url=safe_url(deployment.job_url),
        here=deployment.pipeline == pipeline,
    )


def release_view(job: str, release: Release) -> ReleaseView:
    """Show a release."""
    links = ((link.name, safe_url(link.url)) for link in release.links)
    return ReleaseView(
        job=job,
        tag=release.tag_name,
        name=release.name or release.tag_name,
        description=release.description,
        links=tuple(link for link in links if link[1]),
    )

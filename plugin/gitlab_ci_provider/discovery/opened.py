"""The syncs of the DAG bundles of this installation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import takewhile

from gitlab_ci_provider.discovery.bundle_sync import BundleSync
from gitlab_ci_provider.discovery.open_sync import open_sync
from gitlab_ci_provider.discovery.project_sync import ProjectSync
from gitlab_ci_provider.discovery.sync import SyncResult
from gitlab_ci_provider.discovery.url_projects import UrlProjects
from gitlab_ci_provider.gitlab_api.projects import ServerProjects
from gitlab_ci_provider.gitlab_api.server import PATIENCE, GitLabServer
from gitlab_ci_provider.hooks.gitlab import GitLabHook
from gitlab_ci_provider.model.found_project import FoundProject
from gitlab_ci_provider.model.gitlab_bundle import GitlabBundle, read_bundle
from gitlab_ci_provider.settings import Settings, bundle_kwargs, load_settings

BUNDLE_CLASS = "gitlab_ci_provider.bundles.gitlab.GitLabDagBundle"

_PATIENCE = 20.0
"""Seconds for what concerns one project: the others wait, and the next refresh asks again."""


def open_bundle(bundle: GitlabBundle, settings: Settings, patience: float = PATIENCE) -> BundleSync:
    """Open what syncs the projects of a bundle.

    Args:
        bundle: says which projects.
        settings: of the installation.
        patience: for how many seconds GitLab may not answer.

    Raises:
        SettingsError: its connection is missing or wrong.
    """
    server = _server(bundle, patience)
    # A bundle of URLs is for installations that may not ask GitLab's API.
    opened = open_sync(settings, bundle.gitlab_conn_id if server else "")

    def gitlab(url: str) -> GitLabServer | None:
        found = opened.gitlab(url)
        return replace(found, patience=min(patience, _PATIENCE)) if found else None

    sync = replace(opened, schedules=server is not None, gitlab=gitlab)
    projects = ProjectSync(bundle=bundle, sync=sync, details=server)
    listed = _Together(server, UrlProjects(bundle)) if server else UrlProjects(bundle)
    before = tuple(takewhile(lambda name: name != bundle.name, bundle_kwargs(BUNDLE_CLASS)))
    return BundleSync(name=bundle.name, server=listed, projects=projects, before=before)


def configured_bundles() -> dict[str, GitlabBundle]:
    """Read the bundles of `[dag_processor] dag_bundle_config_list`, by name.

    Raises:
        SettingsError: one of them cannot be read.
    """
    ours = ("name", "refresh_interval", "version", "view_url_template")
    found = bundle_kwargs(BUNDLE_CLASS)
    return {
        name: read_bundle(name, {key: value for key, value in kwargs.items() if key not in ours})
        for name, kwargs in found.items()
    }


def sync_project(project: str | int, gitlab_conn_id: str = "") -> list[SyncResult] | None:
    """Sync one project now, for example because a webhook has told of a push.

    Args:
        project: GitLab's number of it, or its path with namespace.
        gitlab_conn_id: only bundles with this connection; empty: the first one that has it.

    Returns:
        A result for each ref that the bundle shows; None when no bundle has the project.

    Raises:
        GitlabApiError: GitLab refuses or does not answer.
        StateError: the state cannot be read or changed.
        SettingsError: a bundle or connection is wrong.
    """
    settings = load_settings()
    for bundle in configured_bundles().values():
        if gitlab_conn_id in {"", bundle.gitlab_conn_id}:
            results = open_bundle(bundle, settings).one(project)
            if results is not None:
                return results
    return None


@dataclass(frozen=True, slots=True)
class _Together:
    """Projects of a server and repositories by their URLs."""

    server: ServerProjects
    urls: UrlProjects

    def all(self) -> dict[str, FoundProject]:
        return {**self.server.all(), **self.urls.all()}

    def one(self, name: str | int) -> FoundProject | None:
        return self.urls.one(name) or self.server.one(name)


def _server(bundle: GitlabBundle, patience: float) -> ServerProjects | None:
    if not bundle.asks_api:
        return None
    return ServerProjects(GitLabHook(bundle.gitlab_conn_id, patience).server, bundle)

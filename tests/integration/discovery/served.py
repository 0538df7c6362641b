"""A stand-in for GitLab, and an installation that shows its projects, for tests of discovery."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gitlab_ci_provider.discovery.bundle_sync import BundleSync, Refreshed
from gitlab_ci_provider.discovery.opened import open_bundle
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.gitlab_bundle import read_bundle
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.state import State, open_state
from servers.gitlab.server import GitLab

TOKEN = "glpat-of-a-bundle"
JOB = "build: {script: make}\n"
OTHER = "other: {script: make}\n"


@dataclass(frozen=True)
class Served:
    """A GitLab, and an installation that shows its projects."""

    gitlab: GitLab
    home: Path

    @property
    def state(self) -> State:
        return open_state(home_settings(self.home))

    def bundle(self, name: str = "projects", patience: float = 0, **kwargs: Any) -> BundleSync:
        given = {"groups": ["group"], **kwargs}
        settings = replace(home_settings(self.home), git_conn_ids="gitlab_default")
        return open_bundle(read_bundle(name, given), settings, patience)

    def refresh(self, **kwargs: Any) -> Refreshed:
        return self.bundle(**kwargs).refresh()

    def dags(self) -> list[str]:
        return self.state.snapshots.dags()

    def record(self, dag: str) -> DagRecord:
        return self.state.snapshots.load_dag(dag)

    def asked(self) -> tuple[int, int]:
        """Count the requests to the API and those of git since the last call."""
        requests, self.gitlab.requests[:] = list(self.gitlab.requests), []
        api = sum("/api/v4/" in request for request in requests)
        return api, len(requests) - api

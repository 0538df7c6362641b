"""The projects of a GitLab as DAGs: `refresh()` finds, compiles and copies those that have changed.

Airflow's DAG processor calls `refresh()` between parsing DAG files, so it must not wait for GitLab.
It starts a process, `gitlab-dags sync --bundle NAME`, that writes to the state, and copies what the
state has by then. Of several DAG processors, one looks at a time.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from gitlab_ci_provider.bundles.state import StateDagBundle
from gitlab_ci_provider.discovery.turn import HANGS
from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.gitlab_bundle import read_bundle
from gitlab_ci_provider.state import State

_COMMAND = (sys.executable, "-m", "gitlab_ci_provider.cli.main", "sync", "--bundle")
_REFRESH_SECONDS = 5
_AGAIN = 60.0
"""Seconds until GitLab is looked at again at the latest after that has failed."""


class GitLabDagBundle(StateDagBundle):
    """Shows the projects of a GitLab, or of a list of git URLs.

    Args:
        name: of the bundle.
        refresh_interval: seconds between two looks at the state.
        version: a moment, see `snapshots/versions.py`; None for the newest.
        view_url_template: as of every bundle.
        kwargs: which projects, see `GitlabBundle`.
    """

    def __init__(
        self,
        *,
        name: str,
        refresh_interval: int = _REFRESH_SECONDS,
        version: str | None = None,
        view_url_template: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            name=name,
            refresh_interval=refresh_interval,
            version=version,
            view_url_template=view_url_template,
        )
        self.projects = read_bundle(name, kwargs)
        self._sync: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def refresh(self) -> None:
        """Copy what has changed in the state, and have GitLab looked at when it is time.

        Raises:
            StateError: the state cannot be read, or the projects were not found yet: all copies
                stay as they are.
        """
        self._keep_syncing()
        super().refresh()

    def _wanted(self, state: State) -> frozenset[str]:
        """Name the DAGs of this bundle."""
        found = state.discovered.of(self.name)
        if found is None:
            raise StateError(
                f"the projects of the DAG bundle '{self.name}' were not found yet; until then its "
                "DAGs stay as they are. The log says what `gitlab-dags sync --bundle` is doing"
            )
        return found.dag_ids

    def _keep_syncing(self) -> None:
        now, pause = time.monotonic(), float(self.projects.sync_interval)
        if self._sync is not None and self._sync.poll() is None:
            if now - self._started < HANGS:
                return
            self._sync.kill()
            self._sync.wait()
        if self._sync is not None and self._sync.returncode:
            pause = min(pause, _AGAIN)
        if self._sync is None or now - self._started >= pause:
            self._started = now
            command = [*_COMMAND, self.name, "--when-due"]
            self._sync = subprocess.Popen(command, stdin=subprocess.DEVNULL)

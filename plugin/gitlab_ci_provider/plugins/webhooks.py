"""The webhooks of the API server: what Airflow, the state and the connections have to do with them.

Airflow loads plugins into every process, so the application is made when the API server asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk.plugins_manager import AirflowPlugin

from gitlab_ci_provider.airflow_internals import api_server
from gitlab_ci_provider.events.handle import Handler, KnownDag, event_run
from gitlab_ci_provider.events.worker import Worker
from gitlab_ci_provider.hooks.trigger_tokens import KeptTokens
from gitlab_ci_provider.hooks.webhook_secrets import KeptSecrets
from gitlab_ci_provider.model.begun_note import begun_note
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.plugins.when_asked import WhenAsked
from gitlab_ci_provider.settings import Settings, load_settings
from gitlab_ci_provider.state import open_state, open_state_for_people

if TYPE_CHECKING:
    from gitlab_ci_provider.gitlab_api.webhook_signature import WebhookSecrets
    from gitlab_ci_provider.model.webhook_event import WebhookEvent

PREFIX, TRIGGER_PREFIX = "/gitlab-webhooks", "/gitlab-api/v4"

_SYNCS = 2
"""At once: they take processor time from the API server."""


class AirflowRuns:
    """Runs of the Airflow whose API server this is."""

    def dag(self, name: str) -> KnownDag | None:
        """Find a DAG."""
        found = api_server.find_dag(name)
        return KnownDag(paused=found.paused, tags=found.tags) if found else None

    def look(self, name: str) -> None:
        """Have the DAG processor look."""
        api_server.ask_for_look(name)

    def has(self, dag: str, run: str) -> bool:
        """Look for a run."""
        return api_server.has_run(dag, run)

    def start(self, dag: str, run: str, conf: dict[str, object], user: str) -> None:
        """Start a run."""
        api_server.start_run(dag, run, conf, user, begun_note(conf, user))


@dataclass(slots=True)
class WebhookReception:
    """Receives events, and has them handled."""

    settings: Callable[[], Settings] = load_settings
    tokens: KeptTokens = field(default_factory=KeptTokens)
    kept: KeptSecrets = field(init=False)
    worker: Worker = field(init=False)
    turns: AbstractContextManager[Any] = field(
        default_factory=lambda: threading.BoundedSemaphore(_SYNCS)
    )

    def __post_init__(self) -> None:
        self.kept = KeptSecrets(lambda: self.settings().webhook_connections)
        self.worker = Worker(
            events=lambda: open_state(self.settings()).events,
            handler=self._handler,
            wanted=lambda: self.kept.any() or self.tokens.any(),
        )

    def secrets(self, conn_id: str) -> WebhookSecrets | None:
        """Return the secrets of a connection."""
        return self.kept.of(conn_id)

    def add(self, event: WebhookEvent) -> bool:
        """Store an event, and have it handled."""
        # GitLab waits ten seconds for an answer.
        new = open_state_for_people(self.settings()).events.add(event)
        self.worker.wake()
        return new

    def run(self, event: WebhookEvent) -> str:
        """Name the run that an event starts."""
        return event_run(event, open_state_for_people(self.settings()), AirflowRuns())

    def project(self, name: str, token: str) -> Project | None:
        """Find the project of this path or number, if it is its trigger token."""
        snapshots = open_state_for_people(self.settings()).snapshots
        for path in self.tokens.projects_of(token):
            found = snapshots.find_dag(dag_id(path))
            project = found.project if found else None
            if project and project.path == path and name in {path, str(project.id or path)}:
                return project
        return None

    def now(self) -> float:
        """Return the time."""
        return datetime.now(UTC).timestamp()

    def start(self) -> None:
        """Start the worker."""
        self.worker.start()

    def stop(self) -> None:
        """Stop the worker."""
        self.worker.stop()

    def _handler(self) -> Handler:
        from gitlab_ci_provider.discovery.open_sync import open_sync
        from gitlab_ci_provider.discovery.opened import sync_project

        settings = self.settings()
        return Handler(
            sync=open_sync(settings, settings.webhook_conn_ids),
            runs=AirflowRuns(),
            turns=self.turns,
            publish=lambda: _publish(settings),
            unread=settings.child_dag_timeout,
            clock=time.monotonic,
            seek=sync_project,
        )


def _publish(settings: Settings) -> None:
    from gitlab_ci_provider.snapshots.dag_files import write_dag_files

    if settings.dag_files is not None:
        write_dag_files(open_state(settings).snapshots, settings.dag_files)


@cache
def _apps() -> list[dict[str, Any]]:
    from gitlab_ci_provider.plugins.trigger_app import make_trigger_app
    from gitlab_ci_provider.plugins.webhook_app import make_app

    reception = WebhookReception()
    webhooks, triggers = make_app(reception), make_trigger_app(reception)
    return [
        {"app": webhooks, "url_prefix": PREFIX, "name": "GitLab webhooks"},
        {"app": triggers, "url_prefix": TRIGGER_PREFIX, "name": "GitLab's trigger API"},
    ]


class WebhookPlugin(AirflowPlugin):
    """Adds the address to the API server."""

    name = "gitlab_ci_webhooks"
    fastapi_apps = WhenAsked(_apps)

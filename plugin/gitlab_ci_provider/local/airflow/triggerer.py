"""Airflow's triggerer, without its pauses of a second.

It has two processes: a supervisor with the database, and a runner with the triggers. Each looks
what the other one wants once a second, so that a task that is deferred waits for two of these
pauses. Here, each wakes the other.
"""

from __future__ import annotations

import asyncio
import os
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import anyio

from gitlab_ci_provider.airflow_internals.components import (
    TriggerRunner,
    TriggerRunnerSupervisor,
    use_pause,
)
from gitlab_ci_provider.local.airflow.changes import Changes, announce, database_changes

_IDLE_SECONDS = 10


class WakefulRunner(TriggerRunner):
    """Begins the next round of its loop when a trigger has ended or is to start."""

    def __init__(self, bell: int) -> None:
        super().__init__()
        self._bell = bell
        self._rung = False
        self._pause: anyio.CancelScope | None = None

    async def init_comms(self) -> None:
        """Listen to the bell, too."""
        await super().init_comms()
        self.listen()

    def listen(self) -> None:
        """Be woken by the bell."""
        asyncio.get_running_loop().add_reader(self._bell, self._hear)

    async def run_trigger(
        self, trigger_id: int, trigger: Any, timeout_after: Any = None, context: Any = None
    ) -> None:
        """Have the supervisor learn at once how it has ended."""
        try:
            await super().run_trigger(trigger_id, trigger, timeout_after, context)
        finally:
            self.wake()

    def pause(self, seconds: float) -> anyio.CancelScope:
        """Give the time until the next round of the loop."""
        self._pause = anyio.move_on_after(0 if self._rung else seconds)
        self._rung = False
        return self._pause

    def wake(self) -> None:
        """End the pause, or leave the next one out."""
        self._rung = True
        if self._pause is not None:
            self._pause.cancel()

    def _hear(self) -> None:
        os.eventfd_read(self._bell)
        self.wake()


class WakefulSupervisor(TriggerRunnerSupervisor):
    """Starts a trigger as soon as a task waits for it, and sleeps while there is none."""

    _bell: ClassVar[int] = -1

    @classmethod
    def start(cls, **kwargs: Any) -> Any:
        """Start the runner, with the bell that wakes it."""
        cls._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return super().start(**kwargs)

    @classmethod
    def run_in_process(cls) -> None:
        """Run the triggers, in the runner's process."""
        runner = WakefulRunner(cls._bell)
        use_pause(runner.pause)
        runner.run()

    @property
    def _database(self) -> Path:
        return Path(os.environ["AIRFLOW_HOME"]) / "airflow.db"

    @cached_property
    def _changes(self) -> Changes:
        return database_changes(self._database, _IDLE_SECONDS)

    def load_triggers(self) -> None:
        """Wake the runner if it has something to start."""
        super().load_triggers()
        if self.creating_triggers:
            os.eventfd_write(self._bell, 1)

    def run_once(self) -> None:
        """Run one round of the loop, when there is something to do or after a while."""
        self.load_triggers()
        self._changes.wait(self._service_subprocess, until=self._has_news)
        news = bool(self.events or self.failed_triggers)
        self.handle_events()
        self.handle_failed_triggers()
        if news:
            announce(self._database)
        self.clean_unused()
        self.heartbeat()
        self.emit_metrics()

    def _has_news(self) -> bool:
        return bool(self.events or self.failed_triggers or self.stop or not self.is_alive())

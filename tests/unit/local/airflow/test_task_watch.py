"""The watch over the process of a task."""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest
from airflow.executors.workloads.base import BundleInfo
from airflow.sdk.api.datamodels._generated import DagRun, TaskInstance, TIRunContext
from airflow.sdk.execution_time import supervisor

from gitlab_ci_provider.local.airflow.task_watch import NoticingSubprocess


class Client:
    """As much of Airflow's API as a watch needs; counts the heartbeats."""

    def __init__(self) -> None:
        self.heartbeats = 0
        self.ends: list[str] = []
        self.task_instances = self

    def start(self, *_: Any) -> TIRunContext:
        run = DagRun.model_construct(dag_id="dag", run_id="run")
        return TIRunContext.model_construct(dag_run=run, should_retry=False, start_date=None)

    def heartbeat(self, *_: Any, **__: Any) -> None:
        self.heartbeats += 1

    def finish(self, *, state: str, **_: Any) -> None:
        self.ends.append(state)


class Watch(NoticingSubprocess):
    """Lets the process end once all its streams have."""

    def _on_socket_closed(self, sock: Any) -> None:
        super()._on_socket_closed(sock)
        if not self._open_sockets:
            os.write(LET_IT_END, b".")


MAY_END, LET_IT_END = os.pipe()


def _outlive_the_streams() -> None:
    """Close what the watch listens to, and end after that was noticed."""
    os.closerange(0, MAY_END)
    os.closerange(MAY_END + 1, 256)
    os.read(MAY_END, 1)
    os._exit(3)


def test_the_end_of_a_process_is_noticed_after_that_of_its_streams(monkeypatch: pytest.MonkeyPatch):
    """The watch does not sleep until the next heartbeat, which here would be in an hour."""
    monkeypatch.setattr(supervisor, "MIN_HEARTBEAT_INTERVAL", 3600)
    client: Any = Client()
    task = TaskInstance(
        id=uuid.uuid4(),
        task_id="job",
        dag_id="dag",
        run_id="run",
        try_number=1,
        dag_version_id=uuid.uuid4(),
        map_index=-1,
    )

    watch = Watch.start(
        what=task,
        dag_rel_path="dag.py",
        bundle_info=BundleInfo(name="bundle"),
        client=client,
        target=_outlive_the_streams,
    )
    code = watch.wait()

    assert code == 3
    assert client.ends == ["failed"]
    assert client.heartbeats == 0

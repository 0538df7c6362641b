"""A task's connection to its supervisor."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner

from unit.airflow_internals.supervisor import Comms, Connect


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Be a task whose API server gives these answers: status and JSON, by method and path."""

    def connected(answers: dict[str, Any] | None = None, **kind: Any) -> Comms:
        comms = Comms(answers or {}, **kind)
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", comms, raising=False)
        return comms

    return connected

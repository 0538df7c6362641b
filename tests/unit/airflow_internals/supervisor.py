"""Airflow's own supervisor of a task, with an API server that answers as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import structlog
from airflow.sdk.api.client import Client
from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.sdk.execution_time.comms import _RequestFrame
from airflow.sdk.execution_time.supervisor import ActivitySubprocess

Supervisor = type[Any]


class Comms:
    """Takes messages as `SUPERVISOR_COMMS` does, and has a real supervisor handle them.

    Attributes:
        requests: what the supervisor has asked the API server: method, path, query and body.
    """

    def __init__(self, answers: Mapping[str, Any], supervisor: Supervisor = ActivitySubprocess):
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self._answers = answers
        self._sent: list[tuple[Any, Any]] = []
        transport = httpx.MockTransport(self._serve)
        client = Client(base_url="http://airflow.test/", token="", transport=transport)
        this = SimpleNamespace(
            client=client,
            id=UUID(int=7),
            decoder=supervisor.decoder,
            send_msg=lambda msg, request_id, error=None, **_: self._sent.append((msg, error)),
            _deserialize_request=lambda body: body,
        )
        this._handle_request = partial(supervisor._handle_request, this)
        self._handle = supervisor.handle_requests(this, structlog.get_logger())
        next(self._handle)

    def send(self, msg: Any) -> Any:
        """Send a message, and return or raise the answer."""
        self._handle.send(_RequestFrame(id=1, body=msg.model_dump(mode="json")))
        answer, error = self._sent.pop()
        if error is not None:
            raise AirflowRuntimeError(error)
        return answer

    def _serve(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        place = (request.method, request.url.path)
        self.requests.append((*place, dict(request.url.params), body))
        status, answer = self._answers.get(" ".join(place), (404, {"detail": "not found"}))
        return httpx.Response(status, json=answer)


Connect = Callable[..., Comms]

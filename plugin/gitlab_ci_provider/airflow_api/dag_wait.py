"""Waiting until Airflow has read a DAG: for as long as it goes on reading DAGs.

How long that takes depends on the machine only, so no time limits it. What ends the waiting is that
Airflow cannot read the file, or that its DAG processor has not been heard of for minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gitlab_ci_provider.airflow_api.calls import Calls
from gitlab_ci_provider.exceptions import StackError

_LOOK_SECONDS = 0.2
_CHECK_SECONDS = 2.0
_TELL_SECONDS = 15.0
_OLD_SECONDS = 120.0
_STILL_SECONDS = 300.0
"""Airflow itself takes a DAG processor for dead after 30 s; a busy machine is slower."""

Tell = Callable[[str], None]


def wait_for_dag(calls: Calls, wanted: tuple[str, str], tell: Tell, file: Path | None) -> None:
    """Wait until Airflow shows a DAG with a digest.

    Raises:
        StackError: it cannot be read, or Airflow reads no DAGs.
    """
    dag, digest = wanted
    if digest in _documentation(calls, dag):
        return
    watch = _Watch(calls, dag, tell)
    if file is not None and file.exists():
        file.touch()  # a file that has changed is read at once, whatever was wrong with it before
    while digest not in _documentation(calls, dag):
        watch.check()
        time.sleep(_LOOK_SECONDS)


class _Watch:
    """Looks now and then whether it makes sense to wait."""

    def __init__(self, calls: Calls, dag: str, tell: Tell):
        self._calls, self._dag, self._tell = calls, dag, tell
        self._began = self._checked = self._moved = time.monotonic()
        self._before = {one["import_error_id"]: one["timestamp"] for one in self._errors()}
        self._heartbeat: object = None
        self._told = False

    def check(self) -> None:
        """Give up when the DAG will not appear.

        Raises:
            StackError: it will not; the message says why.
        """
        now = time.monotonic()
        if now - self._checked < _CHECK_SECONDS:
            return
        self._checked = now
        self._check_import(now)
        self._check_processor(now)
        if now - self._began > _TELL_SECONDS and not self._told:
            self._tell(f"waiting for Airflow to read the DAG {self._dag}")
            self._told = True

    def _check_import(self, now: float) -> None:
        """Take an error that came while we wait for what it is; one from before may be over."""
        stays = now - self._began > _OLD_SECONDS
        for one in self._errors():
            if stays or self._before.get(one["import_error_id"]) != one["timestamp"]:
                raise StackError(f"Airflow cannot read the DAG {self._dag}: {_last_line(one)}")

    def _check_processor(self, now: float) -> None:
        health = self._calls.ask("GET", "/monitor/health").get("dag_processor") or {}
        heartbeat = health.get("latest_dag_processor_heartbeat")
        if heartbeat != self._heartbeat:
            self._heartbeat, self._moved = heartbeat, now
        if now - self._moved > _STILL_SECONDS:
            message = (
                f"Airflow does not show the DAG {self._dag}: its DAG processor has not been heard "
                f"of since {heartbeat or 'its start'}; see its log"
            )
            raise StackError(message)

    def _errors(self) -> list[Mapping[str, Any]]:
        """List the import errors of the file that makes the DAG."""
        names = {f"{self._dag}.py", "gitlab_ci.py"}
        query = {"limit": 500, "order_by": "-timestamp"}
        found = self._calls.ask("GET", "/importErrors", params=query)["import_errors"]
        return [one for one in found if str(one["filename"]).rpartition("/")[2] in names]


def _documentation(calls: Calls, dag: str) -> str:
    """Read what Airflow says of a DAG; nothing of one that it has not read since it started."""
    found = calls.find(f"/dags/{dag}/details")
    return str(found.get("doc_md")) if found and not found.get("is_stale") else ""


def _last_line(error: Mapping[str, Any]) -> str:
    lines = str(error["stack_trace"]).strip().splitlines()
    return lines[-1].strip() if lines else "it does not say why"

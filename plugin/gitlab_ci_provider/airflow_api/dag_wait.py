"""Wait until Airflow has read a DAG, for as long as it reads DAGs at all.

How long that takes depends on the machine only, so there is no time limit. The wait ends early when
Airflow cannot read the file, or when its DAG processor has sent no heartbeat for minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gitlab_ci_provider.airflow_api.session import Session
from gitlab_ci_provider.exceptions import AirflowApiError

_LOOK_SECONDS = 0.2
_CHECK_SECONDS = 2.0
_TELL_SECONDS = 15.0
_OLD_SECONDS = 120.0
_STILL_SECONDS = 300.0
"""Airflow itself considers a DAG processor dead after 30 s; a busy machine is slower."""

Tell = Callable[[str], None]


def wait_for_dag(session: Session, dag: str, shown: str, *, tell: Tell, file: Path | None) -> None:
    """Wait until Airflow shows a DAG as a pipeline needs it, see `model/topology.py::shown`.

    Raises:
        AirflowApiError: Airflow cannot read it, or reads no DAGs at all.
    """
    if shown in _documentation(session, dag):
        return
    watch = _Watch(session, dag, tell)
    if file is not None and file.exists():
        file.touch()  # a changed file is read at once, whatever was wrong with it before
    while shown not in _documentation(session, dag):
        watch.check()
        time.sleep(_LOOK_SECONDS)


class _Watch:
    """Checks from time to time whether it makes sense to wait."""

    def __init__(self, session: Session, dag: str, tell: Tell):
        self._session, self._dag, self._tell = session, dag, tell
        self._began = self._checked = self._moved = time.monotonic()
        self._before = {error["import_error_id"]: error["timestamp"] for error in self._errors()}
        self._heartbeat: object = None
        self._told = False

    def check(self) -> None:
        """Give up when the DAG will not appear.

        Raises:
            AirflowApiError: it will not; the message says why.
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
        """Fail on an import error that is new; an older one may have been corrected since."""
        stays = now - self._began > _OLD_SECONDS
        for error in self._errors():
            if stays or self._before.get(error["import_error_id"]) != error["timestamp"]:
                message = f"Airflow cannot read the DAG {self._dag}: {_last_line(error)}"
                raise AirflowApiError(message)

    def _check_processor(self, now: float) -> None:
        health = self._session.request("GET", "/monitor/health").get("dag_processor") or {}
        heartbeat = health.get("latest_dag_processor_heartbeat")
        if heartbeat != self._heartbeat:
            self._heartbeat, self._moved = heartbeat, now
        if now - self._moved > _STILL_SECONDS:
            message = (
                f"Airflow does not show the DAG {self._dag}: its DAG processor has sent no "
                f"heartbeat since {heartbeat or 'its start'}; see its log"
            )
            raise AirflowApiError(message)

    def _errors(self) -> list[Mapping[str, Any]]:
        """List the import errors of the file that makes the DAG."""
        names = {f"{self._dag}.py", "gitlab_ci.py"}
        found = self._session.list_all("/importErrors", "import_errors", order_by="-timestamp")
        return [error for error in found if str(error["filename"]).rpartition("/")[2] in names]


def _documentation(session: Session, dag: str) -> str:
    """Read the documentation of a DAG; empty when Airflow has not read it since it started."""
    found = session.find(f"/dags/{dag}/details")
    return str(found.get("doc_md")) if found and not found.get("is_stale") else ""


def _last_line(error: Mapping[str, Any]) -> str:
    lines = str(error["stack_trace"]).strip().splitlines()
    return lines[-1].strip() if lines else "no reason given"

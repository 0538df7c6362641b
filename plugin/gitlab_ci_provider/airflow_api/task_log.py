"""The log of a task as its job wrote it: without what Airflow writes before and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_api.client import AirflowApi

_GROUP, _END = "::group::", "::endgroup::"
_AIRFLOWS = frozenset({"Log message source details", "Pre Execute", "Post Execute"})
"""Groups of lines that Airflow writes about itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line; the time is ISO 8601, and empty where Airflow knows none."""

    time: str
    level: str
    text: str


@dataclass(slots=True)
class TaskLog:
    """Reads what was added to the log of one try of a task."""

    api: AirflowApi
    dag: str
    run: str
    task: str
    number: int
    _seen: int = 0
    _hidden: bool = False

    def read(self) -> Iterator[LogLine]:
        """Yield the lines that were added."""
        path = f"/dags/{self.dag}/dagRuns/{self.run}/taskInstances/{self.task}/logs/{self.number}"
        content = self.api.request("GET", path).get("content") or []
        added, self._seen = content[self._seen :], max(self._seen, len(content))
        for entry in added:
            yield from self._lines(entry if isinstance(entry, Mapping) else {"event": entry})

    def _lines(self, entry: Mapping[str, Any]) -> Iterator[LogLine]:
        text = str(entry.get("event") or "")
        if text.startswith(_GROUP):
            text = text.removeprefix(_GROUP)
            self._hidden = text in _AIRFLOWS
        elif text == _END:
            self._hidden = False
            return
        if self._hidden:
            return
        time, level = str(entry.get("timestamp") or ""), str(entry.get("level") or "info")
        yield LogLine(time=time, level=level, text=text)
        for failure in entry.get("error_detail") or []:
            yield LogLine(time=time, level=level, text=str(failure.get("exc_value", "")))

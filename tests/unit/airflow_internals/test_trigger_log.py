"""What triggers have logged is found where Airflow's own code writes it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.utils.helpers import log_filename_template_renderer

from gitlab_ci_provider.airflow_internals.trigger_log import keep_earlier_logs, lines_shown
from unit.airflow_internals.contracts import contract

TASK = SimpleNamespace(dag_id="d", run_id="r", task_id="[t]", map_index=-1, try_number=2)


def event(text: str, logger: str = "ours") -> str:
    return json.dumps({"event": text, "logger": logger}) + "\n"


def test_lines_of_all_triggerers_of_a_try_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ours alone, however many lines an event holds; not one that was cut off."""
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    log = tmp_path / log_filename_template_renderer()(ti=TASK)
    log.parent.mkdir(parents=True)
    log.write_text(event("of the worker"))
    Path(f"{log}.trigger.7.log").write_text(event("starting", "other") + event("1\n2"))
    Path(f"{log}.trigger.12.log").write_text(event("3") + event("4")[:-9])

    with contract("log_filename_template_renderer, *.trigger.*.log", "triggers that start again"):
        assert asyncio.run(lines_shown(TASK, "ours")) == 3


def test_a_trigger_without_a_task_has_shown_nothing():
    """As in tests."""
    assert asyncio.run(lines_shown(None, "ours")) == 0


def test_a_triggerer_that_has_a_try_again_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What it has written before is renamed, so that Airflow still shows it and we count it."""
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    log = tmp_path / log_filename_template_renderer()(ti=TASK)
    log.parent.mkdir(parents=True)
    own = Path(f"{log}.trigger.7.log")

    for text in ("1", "2", "3"):
        keep_earlier_logs(TASK)
        own.write_text(event(text))

    assert asyncio.run(lines_shown(TASK, "ours")) == 3
    assert [path.name.removeprefix(log.name) for path in sorted(log.parent.iterdir())] == [
        ".trigger.7-1.log",
        ".trigger.7-2.log",
        ".trigger.7.log",
    ]


def test_logs_that_are_uploaded_stay_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Airflow looks for them under their names, and appends to what it has uploaded."""
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__LOGGING__REMOTE_LOGGING", "True")
    own = Path(f"{tmp_path / log_filename_template_renderer()(ti=TASK)}.trigger.7.log")
    own.parent.mkdir(parents=True)
    own.write_text(event("1"))

    keep_earlier_logs(TASK)

    assert own.exists()

"""`gitlab-dags logs`: the log of a job as Airflow has it, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitlab_ci_provider.cli.commands import logs
from gitlab_ci_provider.cli.main import main
from servers.fake_airflow import Answer, answering

RUN = "/api/v2/dags/group__shop/dagRuns/12-main"
TASK = {
    "task_id": "unit",
    "task_display_name": "unit",
    "state": "failed",
    "try_number": 2,
    "operator_name": "GitlabJobOperator",
}
LOG = [
    {"timestamp": "2026-01-31T12:00:00Z", "event": "$ pytest", "level": "info"},
    {"timestamp": "2026-01-31T12:00:01Z", "event": "\x1b[31mred\x1b[0m\x1b[2J", "level": "error"},
]


def airflow(_method: str, path: str, _body: Any) -> Answer:
    """Has a run with one job, which was tried twice."""
    answers: dict[str, Any] = {
        "/auth/token": {"access_token": "token"},
        RUN: {"state": "failed", "conf": {}},
        f"{RUN}/taskInstances": {"task_instances": [TASK], "total_entries": 1},
        f"{RUN}/taskInstances/unit": TASK,
        f"{RUN}/taskInstances/unit/logs/2": {"content": LOG, "continuation_token": None},
        f"{RUN}/taskInstances/unit/logs/1": {"content": ["the first"], "continuation_token": None},
    }
    found = answers.get(path.partition("?")[0])
    return Answer(404, {"detail": "not found"}) if found is None else Answer(body=found)


def said(capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
    """Ask for the log of the job."""
    with answering(airflow) as url:
        address = f"{url}/dags/group__shop/runs/12-main"
        assert main(["logs", address, "unit", "--airflow-url", url, *flags]) == 0
    return capsys.readouterr().out.splitlines()


def test_nothing_of_a_log_moves_the_cursor(capsys: pytest.CaptureFixture[str]):
    """Into a pipe there are no colours either; `--raw` has what the job wrote."""
    assert said(capsys) == ["$ pytest", "red"]
    assert said(capsys, "--raw")[1] == "\x1b[31mred\x1b[0m\x1b[2J"


def test_lines_have_their_times(capsys: pytest.CaptureFixture[str]):
    """In front, of the same width."""
    assert said(capsys, "--timestamps")[0].split() == ["2026-01-31T12:00:00Z", "$", "pytest"]


def test_an_earlier_try_is_shown(capsys: pytest.CaptureFixture[str]):
    """The newest is without being asked for."""
    assert said(capsys, "--try", "1") == ["the first"]


class Again:
    """Runs the job again: it waits, its try fails, and `retry` adds another, which passes."""

    def __init__(self) -> None:
        second, third = ("running", "up_for_retry"), ("running", "success")
        self.states = [(None, 1), *((state, 2) for state in second), *((s, 3) for s in third)]

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        if path == f"{RUN}/taskInstances/unit":
            state, number = self.states[0]
            self.states = self.states[1:] or self.states
            return Answer(body={**TASK, "state": state, "try_number": number})
        if path == RUN:
            return Answer(body={"state": "running", "conf": {}})
        if path == f"{RUN}/taskInstances/unit/logs/3":
            return Answer(body={"content": ["the last"], "continuation_token": None})
        return airflow(method, path, body)


def test_a_job_that_runs_again_is_followed_from_its_new_try_to_its_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """What it wrote before was shown then; tries that `retry` adds belong to it."""
    monkeypatch.setattr(logs, "_LOOK_SECONDS", 0)
    with answering(Again()) as url:
        address = f"{url}/dags/group__shop/runs/12-main"
        assert main(["logs", address, "unit", "-f", "--airflow-url", url]) == 0

    shown = capsys.readouterr()
    assert shown.out.splitlines() == ["$ pytest", "red", "the last"]
    assert shown.err.splitlines() == ["waiting for 'unit' to start ...", "unit: try 3"]


def test_programs_get_a_line_as_an_object(capsys: pytest.CaptureFixture[str]):
    """With its time and level."""
    assert json.loads(said(capsys, "--json")[0]) == {
        "time": "2026-01-31T12:00:00Z",
        "level": "info",
        "text": "$ pytest",
    }

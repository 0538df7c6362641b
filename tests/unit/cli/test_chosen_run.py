"""Which pipeline the commands `play`, `logs` and others mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.cli.main import main
from servers.fake_airflow import Answer, answering

RUNS = {"dag_runs": [{"dag_id": "group__shop", "dag_run_id": "main-1", "conf": {}}]}


class Airflow:
    """Has the DAGs of one project, with a run in which nothing is to be seen."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, method: str, path: str, _body: Any) -> Answer:
        self.asked.append((method, path))
        bare = path.partition("?")[0].removeprefix("/api/v2")
        answers: dict[str, Any] = {
            "/auth/token": {"access_token": "token"},
            "/dags": {"dags": [{"dag_id": "group__shop"}], "total_entries": 1},
            "/dags/~/dagRuns/list": {**RUNS, "total_entries": 1},
            "/dags/group__shop/dagRuns/main-1": {"state": "running"},
            "/dags/group__shop/dagRuns/main-1/taskInstances": {
                "task_instances": [],
                "total_entries": 0,
            },
        }
        found = answers.get(bare)
        return Answer(404, {"detail": "not found"}) if found is None else Answer(body=found)


@pytest.mark.parametrize(
    "given",
    [
        "group/shop",
        "{url}/dags/group__shop/runs/main-1",
        "{url}/plugin/pipelines/group__shop/main-1",
    ],
)
def test_a_pipeline_of_any_airflow_is_found(given: str, capsys: pytest.CaptureFixture[str]):
    """By its project, then the newest, or by the address that `trigger` has printed."""
    with answering(Airflow()) as url:
        code = main(["jobs", given.format(url=url), "--airflow-url", url, "--json"])

    assert code == 0
    assert '"dag_id": "group__shop", "run_id": "main-1"' in capsys.readouterr().out


def test_the_login_is_not_sent_to_an_address_from_a_log(capsys: pytest.CaptureFixture[str]):
    """Only --airflow-url and the environment say who gets the login."""
    other = Airflow()
    with answering(Airflow()) as url, answering(other) as evil, pytest.raises(SystemExit):
        main(["play", f"{evil}/dags/group__shop/runs/main-1", "deploy", "--airflow-url", url])

    assert other.asked == []
    assert "is not a run of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["jobs", "group/shpo"], "did you mean 'group__shop'?"),
        (["jobs", "group/shop", "--ref", "topic"], "has no pipeline for 'topic'"),
        (["jobs", "group/shop", "--run", "nope"], "there is no pipeline 'nope'"),
        (["logs", "group/shop", "unit"], "no job named 'unit'"),
        (["retry", "group/shop", "--json", "unit"], "no job named 'unit'"),
        (["retry", "group/shop"], "no job has failed or was canceled"),
    ],
)
def test_what_is_not_there_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    """With what was probably meant."""
    with answering(Airflow()) as url:
        assert main([*arguments, "--airflow-url", url]) == 1

    assert said in capsys.readouterr().err


def test_the_login_of_airflowctl_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The address is in its file; its token is preferred to asking for one."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CLI_TOKEN", "given")
    asked = Airflow()
    with answering(asked) as url:
        (tmp_path / "production.json").write_text(json.dumps({"api_url": url}))
        assert main(["jobs", "group/shop", "--airflow-env", "production", "--json"]) == 0

    assert "/auth/token" not in [path for _, path in asked.asked]
    assert url in capsys.readouterr().out


@pytest.mark.parametrize("name", ["nope", "../nope"])
def test_an_environment_that_is_not_there_is_wrong_usage(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The message says how to make one; a name is never a path."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    (tmp_path / "nope.json").write_text('{"api_url": "http://127.0.0.1:9"}')

    with pytest.raises(SystemExit):
        main(["jobs", "group/shop", "--airflow-env", name])


def test_a_project_that_airflow_has_not_read_yet_is_said_to_be_missing(
    capsys: pytest.CaptureFixture[str],
):
    """With what to do about it."""
    with answering(Airflow()) as url:
        assert main(["trigger", "group/new", "--airflow-url", url]) == 1

    said = capsys.readouterr().err
    assert "has no DAG group__new" in said
    assert "--home" in said

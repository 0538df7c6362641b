"""Waiting for a DAG that Airflow has yet to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.airflow_api import dag_wait
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.airflow_api.session import Access, RetryPolicy
from gitlab_ci_provider.exceptions import AirflowApiError
from servers.fake_airflow import Answer, answering

ALIVE = RetryPolicy(alive=lambda: True)


class Airflow:
    """Shows a DAG after some looks; its import errors and its processor's heartbeat are given."""

    def __init__(self, *, looks: int = 10**6, errors: tuple[dict[str, Any], ...] = ()):
        self.looks, self.errors = looks, errors
        self.later: tuple[dict[str, Any], ...] = errors
        self.beat: str | None = "2026-01-01"

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        path = path.partition("?")[0].removeprefix("/api/v2")
        if path == "/dags/shop/details":
            self.looks -= 1
            stale = {"doc_md": "has digest", "is_stale": self.looks > 0}
            return Answer(body=stale) if self.looks < 10 else Answer(404)
        if path == "/importErrors":
            errors, self.errors = self.errors, self.later
            return Answer(body={"import_errors": errors, "total_entries": len(errors)})
        if path == "/monitor/health":
            beat = {"latest_dag_processor_heartbeat": self.beat}
            return Answer(body={"dag_processor": beat})
        return Answer(body={"access_token": "token"})


def failing(trace: str, when: str = "now", file: str = "dags/shop.py") -> dict[str, Any]:
    return {"import_error_id": 1, "timestamp": when, "filename": file, "stack_trace": trace}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_wait, "_CHECK_SECONDS", 0)
    monkeypatch.setattr(dag_wait, "_LOOK_SECONDS", 0)


def wait(airflow: Airflow, file: Path | None = None) -> None:
    with answering(airflow) as url:
        AirflowApi(Access(url=url), ALIVE).wait_for_dag("shop", shown="digest", file=file)


def test_a_slow_machine_is_waited_for():
    """However often one has to look, the DAG appears in the end, and is not stale."""
    airflow = Airflow(looks=50)

    wait(airflow)

    assert airflow.looks == 0


def test_an_import_error_is_said_in_its_last_line():
    """What Airflow cannot read will not appear; nobody sees the traceback."""
    airflow = Airflow()
    airflow.later = (failing("Traceback ...\n  File x\nImportError: no module named y\n"),)

    with pytest.raises(AirflowApiError) as problem:
        wait(airflow)

    expected = "Airflow cannot read the DAG shop: ImportError: no module named y"
    assert str(problem.value) == expected


def test_an_old_import_error_may_be_over():
    """What was wrong before the file was written again does not end the waiting."""
    wait(Airflow(looks=20, errors=(failing("old"),)))


def test_an_old_import_error_that_stays_is_true(monkeypatch: pytest.MonkeyPatch):
    """It is not waited for forever either."""
    monkeypatch.setattr(dag_wait, "_OLD_SECONDS", 0)

    with pytest.raises(AirflowApiError, match="cannot read the DAG shop: old"):
        wait(Airflow(errors=(failing("old"),)))


def test_errors_of_other_files_do_not_matter():
    """A broken repository next to this one breaks nothing."""
    wait(Airflow(looks=20, errors=(failing("theirs", file="dags/other.py"),)))


def test_a_dag_processor_that_is_silent_for_minutes_is_the_end(monkeypatch: pytest.MonkeyPatch):
    """Nothing moves: that is said, with what to look at."""
    monkeypatch.setattr(dag_wait, "_STILL_SECONDS", 0)

    with pytest.raises(
        AirflowApiError, match="DAG processor has sent no heartbeat since 2026-01-01"
    ):
        wait(Airflow())


def test_the_file_is_shown_to_airflow_again(tmp_path: Path):
    """A file whose last reading failed, and that did not change, is read at once all the same."""
    file = tmp_path / "shop.py"
    file.write_text("")
    before = file.stat().st_mtime_ns

    wait(Airflow(looks=3), file)

    assert file.stat().st_mtime_ns > before

"""What `trigger --wait` says of the end of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gitlab_ci_provider.cli import airflow
from gitlab_ci_provider.cli.airflow import Target
from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.model import xcom_keys


@dataclass
class Answers:
    """An Airflow whose run ends at once."""

    state: str
    xcoms: dict[str, Any] = field(default_factory=dict)

    def trigger(self, dag: str, conf: dict[str, Any]) -> str:
        return "1"

    def request(self, method: str, path: str) -> dict[str, Any]:
        return {"is_paused": False}

    def run_url(self, dag: str, run: str) -> str:
        return f"http://airflow/{dag}/{run}"

    def wait_for_end(self, dag: str, run: str) -> str:
        return self.state

    def xcom(self, dag: str, run: str, task: str, key: str) -> Any:
        return self.xcoms.get(key)


def waited(monkeypatch: pytest.MonkeyPatch, answers: Answers) -> int:
    target = Target(api=cast("Any", answers), sync=None, dag_files=None)
    monkeypatch.setattr(airflow, "target", lambda _: target)
    return main(["trigger", "group/shop", "--wait"])


@pytest.mark.parametrize(
    ("state", "result", "code", "words"),
    [
        ("success", {"status": "passed", "warnings": ["style"]}, 0, "passed with warnings: style"),
        ("failed", {"status": "failed", "failed": ["unit"]}, 1, "failed: unit"),
        ("failed", None, 1, "failed"),
    ],
)
def test_the_end_names_the_jobs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    state: str,
    result: Any,
    code: int,
    words: str,
):
    """A person need not open Airflow to know which ones; a run that was killed has no result."""
    answers = Answers(state, {xcom_keys.PIPELINE_RESULT: result} if result else {})

    assert waited(monkeypatch, answers) == code
    assert capsys.readouterr().err.strip() == words

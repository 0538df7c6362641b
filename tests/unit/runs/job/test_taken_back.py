"""What a worker makes of the word of a triggerer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gitlab_ci_provider.runs.job import taken_back
from gitlab_ci_provider.runs.job.handover import Handover, pack
from gitlab_ci_provider.runs.job.taken_back import own_pod

CONTEXT: Any = {"ti": SimpleNamespace(dag_id="d", run_id="r", task_id="t")}


def handover(pod: str, **more: Any) -> Handover:
    return Handover(connection="c", namespace="n", pod=pod, uid=f"uid-{pod}", deadline=1.0, **more)


@pytest.mark.parametrize(
    ("left", "told", "taken"),
    [("mine", "mine", "told"), ("mine", "older", "left"), (None, "mine", "told")],
)
def test_only_the_pod_of_this_try_is_taken_over(
    monkeypatch: pytest.MonkeyPatch, left: str | None, told: str, taken: str
):
    """On SQLite, the trigger of a try that was cleared may speak to the next one."""
    own = handover(left) if left else None
    monkeypatch.setattr(taken_back, "read_xcom", lambda *_: pack(own) if own else None)
    heard = handover(told, why="stuck")

    assert own_pod(CONTEXT, heard) == (heard if taken == "told" else own)

"""The steps of a start, as commands read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.local.processes.steps import Steps, read_steps


def test_steps_can_be_read_while_they_are_written(tmp_path: Path):
    """A line that is still being written is left out, the whole ones are there in order."""
    steps = Steps(tmp_path / "steps")
    steps.clear()
    with steps.step("cluster"):
        steps.write("airflow", "begun", "importing")
    with steps.path.open("ab") as file:
        file.write(b'{"name": "half')

    read = [(step.name, step.state, step.message) for step in read_steps(steps.path)]

    assert read == [
        ("cluster", "begun", ""),
        ("airflow", "begun", "importing"),
        ("cluster", "done", ""),
    ]


def test_a_step_that_fails_is_not_done(tmp_path: Path):
    """Who reads the steps sees where the start has ended."""
    steps = Steps(tmp_path / "steps")
    steps.clear()

    with pytest.raises(StackError), steps.step("cluster"):
        raise StackError

    assert [step.state for step in read_steps(steps.path)] == ["begun"]


def test_no_start_no_steps(tmp_path: Path):
    """A stack that was never started has no steps."""
    assert read_steps(tmp_path / "none") == []

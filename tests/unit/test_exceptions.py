"""Failure reasons: GitLab's words, written in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

import gitlab_ci_provider
from gitlab_ci_provider.exceptions import FailureReason, JobFailure, SystemFailure, TimeoutFailure

PACKAGE = Path(gitlab_ci_provider.__file__).parent


def test_no_module_writes_a_reason_as_a_string():
    """A reason is a `FailureReason`: a typing error in one would change what `retry:when` does."""
    reasons = set(FailureReason)
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != PACKAGE / "exceptions.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in reasons
    ]

    assert found == []


def test_each_kind_of_failure_has_a_reason():
    """A failure without a reason of its own has that of its class."""
    kinds = (JobFailure("m"), SystemFailure("m"), TimeoutFailure("m"))

    assert [failure.reason for failure in kinds] == [
        FailureReason.UNKNOWN_FAILURE,
        FailureReason.RUNNER_SYSTEM_FAILURE,
        FailureReason.JOB_EXECUTION_TIMEOUT,
    ]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (FailureReason.SCRIPT_FAILURE, "script failure"),
        (FailureReason.RUNNER_UNSUPPORTED, "unsupported runner"),
        (FailureReason.PIPELINE_LOOP_DETECTED, "job would create infinitely looping pipelines"),
    ],
)
def test_reasons_have_words(reason: FailureReason, words: str):
    """People read a reason as GitLab's pages word it."""
    assert reason.words == words


def test_a_reason_of_another_version_is_unknown():
    """A result that a newer version has written can still be read."""
    assert msgspec.convert("reason_of_the_future", FailureReason) == FailureReason.UNKNOWN_FAILURE
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(3, FailureReason)

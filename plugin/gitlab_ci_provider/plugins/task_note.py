"""The words of notes of tasks: why jobs failed, wait, or did not run. Pure.

Airflow shows notes as Markdown, and much in ours is the words of authors of pipelines. So ours have
no images, which each reader's browser would fetch from wherever, and no links with other texts but
those of `note_links.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.quoted import quoted
from gitlab_ci_provider.model.run import ABSENT_NOTE, JobStatus
from gitlab_ci_provider.plugins.note_links import BEGINNINGS

_FAILED, _CANCELED = "Job failed: ", "Job canceled "
_SKIPPED, _MANUAL = "Job skipped: ", "Manual job, not played"
_NO_POOL = "Job waits: there is no Airflow pool "
OURS_OF_TASKS = (ABSENT_NOTE, _FAILED, _CANCELED, _SKIPPED, _MANUAL, _NO_POOL, *BEGINNINGS)
"""How our notes of tasks begin."""

_BEGINNINGS: Mapping[str, str] = {
    JobStatus.CANCELED: _CANCELED,
    JobStatus.SKIPPED: _SKIPPED,
    JobStatus.ABSENT: ABSENT_NOTE,
}

LONGEST = 1000
"""Characters that the column holds; more would break the scheduler's transaction."""

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")

LONGEST_NAME = 100
"""Characters of the name of a test."""


def no_pool_note(pool: str) -> str:
    """Word the note of a task that Airflow does not start."""
    return (
        f"{_NO_POOL}'{pool}', which the job's runner names. An administrator creates it: "
        f"`airflow pools set {pool} SLOTS DESCRIPTION`; then the job starts by itself"
    )[:LONGEST]


def absence_notes(left_out: Any) -> dict[str, str]:
    """Word the notes of tasks whose jobs are not in the pipeline."""
    if not isinstance(left_out, Mapping):
        return {}
    return {task: clean_note(f"{ABSENT_NOTE}{why}") for task, why in left_out.items()}


def job_note(told: Any) -> str:
    """Word the note of a task whose job has not passed: GitLab's reason, and what happened.

    A task that failed without leaving a result was marked by a person, or died.
    """
    if not isinstance(told, Mapping):
        return ""
    message, status = str(told.get("reason") or ""), told.get("status")
    if status == JobStatus.MANUAL:
        return f"{_MANUAL}: clear this task to play it"
    if status == JobStatus.FAILED:
        return _failure_note(told, message)
    beginning = _BEGINNINGS.get(str(status), "")
    says = beginning and (message or status == JobStatus.CANCELED)
    return clean_note(f"{beginning}{message}") if says else ""


def _failure_note(told: Mapping[str, Any], message: str) -> str:
    words = FailureReason(str(told.get("failure_reason") or FailureReason.UNKNOWN_FAILURE)).words
    said = message if message.startswith(words) else f"{words}: {message}".removesuffix(": ")
    return clean_note(f"{_FAILED}{said}{_failed_tests(told.get('reports'))}")


def clean_note(text: str, longest: int = LONGEST) -> str:
    """Cut a text, and let nothing in it be an image, a link or, for one, an address by itself."""
    plain = text.replace("![", "! [").replace("](", "] (")
    return _BLANK_LINES.sub("\n", plain)[:longest]


def _failed_tests(reports: Any) -> str:
    """Count the failed tests of a job's JUnit reports, and name the first of them."""
    listed = [report for report in reports if isinstance(report, Mapping)] if reports else []
    junit = [report for report in listed if report.get("kind") == "junit"]
    summaries = [report.get("summary") or {} for report in junit]
    names = [quoted(str(name), LONGEST_NAME) for one in junit for name in one.get("failed") or ()]
    bad = sum(int(one.get("failed", 0)) + int(one.get("error", 0)) for one in summaries)
    whole = sum(int(one.get("total", 0)) for one in summaries)
    more = [f"{bad - len(names)} more"] if bad > len(names) else []
    named = f": {', '.join(names + more)}" if names else ""
    return f"; {bad} of {whole} tests failed{named}" if bad else ""

"""The note of a run."""

from __future__ import annotations

import re

import pytest

from gitlab_ci_provider.model.begun_note import begun_note
from gitlab_ci_provider.plugins.run_note import no_pool_words, run_note
from gitlab_ci_provider.plugins.task_note import absence_notes, job_note


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"text": "passed"}, "Pipeline passed"),
        (
            {"text": "passed", "id": 12, "name": "Nightly", "ref": "main", "commit": "ef0a4fdb"},
            "Pipeline 12 'Nightly' passed (main, ef0a4fdb)",
        ),
        ({"text": "passed, coverage 80 %"}, "Pipeline passed, coverage 80 %"),
        ({"text": "passed with warnings: a"}, "Pipeline passed with warnings: a"),
        ({"text": "passed", "name": "Nightly"}, "Pipeline 'Nightly' passed"),
        ({"text": "failed: a, b"}, "Pipeline failed: a, b"),
        ({"status": "failed"}, ""),
        (None, ""),
        ("text", ""),
        ({"text": "x" * 5000}, "Pipeline " + "x" * 991),
    ],
)
def test_a_note_says_what_the_runs_colour_does_not(result: object, text: str):
    """Number, name, ref and commit with how it ended; what other DAGs leave is none of ours."""
    assert run_note(result) == text


@pytest.mark.parametrize(
    "text",
    [
        "![a](https://evil.example/a.png)",
        "[b](https://evil.example)",
        "!![c](x)",
        "![d][1]\n\n[1]: x",
        "[e][1]\n \t\n\n  [1]: https://evil.example",
    ],
)
def test_no_note_has_an_image_or_a_link_of_an_author(text: str):
    """Airflow shows notes as Markdown; each reader's browser would fetch the image."""
    told = {"status": "failed", "failure_reason": "script_failure", "reason": text}
    named = [{"kind": "junit", "summary": {"failed": 1, "total": 1}, "failed": [text]}]
    notes = [
        job_note(told),
        job_note({**told, "reason": "", "reports": named}),
        run_note({"text": f"failed: {text}", "name": text, "ref": "main"}, [text]),
        *absence_notes({"a": text}).values(),
    ]

    for note in notes:
        assert not re.search(r"!\[|\]\(|\n\s*\n", note)


def test_a_note_says_what_gitlab_was_not_told():
    """Nobody looks into the log of a pipeline that has passed; texts of authors stay short."""
    end = {"text": "passed", "id": 12, "ref": "main", "commit": "ef0a4fdb"}
    told = run_note(end, ["of the deployment or release of deploy", "in a comment"])

    assert told == (
        "Pipeline 12 passed (main, ef0a4fdb). GitLab was not told of the deployment or release of "
        "deploy, in a comment: see the log of finish_pipeline"
    )
    assert len(run_note({"text": "x" * 5000}, ["y" * 5000])) == 1000
    assert run_note(end, "no list") == "Pipeline 12 passed (main, ef0a4fdb)"


def test_notes_of_tasks_fit_their_column():
    """A reason may hold an expression of any length, and an error would stop the scheduler."""
    notes = absence_notes({"deploy": "no rule matched", "long": "x" * 5000})

    assert notes["deploy"] == "not in this pipeline: no rule matched"
    assert len(notes["long"]) == 1000
    assert absence_notes(None) == {}


@pytest.mark.parametrize(
    ("told", "note"),
    [
        (
            {"status": "failed", "failure_reason": "script_failure", "reason": "exit code 2"},
            "Job failed: script failure: exit code 2",
        ),
        (
            {
                "status": "failed",
                "failure_reason": "downstream_pipeline_creation_failed",
                "reason": "downstream pipeline can not be created, see create_pipeline",
            },
            "Job failed: downstream pipeline can not be created, see create_pipeline",
        ),
        (
            {"status": "failed", "failure_reason": "of_another_version"},
            "Job failed: unknown failure",
        ),
        ({"status": "failed", "failure_reason": ["odd"]}, "Job failed: unknown failure"),
        ({"status": "canceled", "reason": "by pipeline 7"}, "Job canceled by pipeline 7"),
        (
            {"status": "failed", "reason": "exit code 1", "failure_reason": "script_failure"}
            | {"reports": [{"kind": "junit", "summary": {"failed": 1, "error": 1, "total": 9}}]},
            "Job failed: script failure: exit code 1; 2 of 9 tests failed",
        ),
        (
            {"status": "failed", "reason": "exit code 1", "failure_reason": "script_failure"}
            | {
                "reports": [
                    {
                        "kind": "junit",
                        "summary": {"failed": 3, "total": 9},
                        "failed": ["a", "b\x1b"],
                    }
                ]
            },
            "Job failed: script failure: exit code 1; 3 of 9 tests failed: a, b\\x1b, 1 more",
        ),
        ({"status": "skipped", "reason": "'unit' failed"}, "Job skipped: 'unit' failed"),
        ({"status": "manual"}, "Manual job, not played: clear this task to play it"),
        ({"status": "success"}, ""),
        (None, ""),
    ],
)
def test_a_task_that_has_not_passed_says_why(told: object, note: str):
    """GitLab's reason in words and what happened, without opening the log."""
    assert job_note(told) == note


def test_a_run_names_the_pools_that_are_missing():
    """Each once, with all tasks that wait; nothing when none is."""
    words = no_pool_words({"deploy": "prod", "test": "gpu", "train": "gpu"})

    assert (
        words == ". There is no Airflow pool 'gpu' and 'prod', so these wait: deploy, test, train"
    )
    assert no_pool_words({}) == ""


@pytest.mark.parametrize(
    ("conf", "user", "note"),
    [
        (
            {"ref": "main", "sha": "ef0a4fdb" * 5, "source": "push"},
            "ann",
            "Pipeline for main at ef0a4fdb (push, by ann)",
        ),
        ({}, "", "Pipeline for the default branch"),
        (None, "", "Pipeline for the default branch"),
        ({"source": "anything", "ref": "a\x1b"}, "", "Pipeline for a\\x1b"),
        (
            {
                "upstream": {
                    "job": "deploy",
                    "ancestors": [{"pipeline": 3}, {"pipeline": 12}],
                    "ref": "main",
                    "sha": "ef0a4fdb" * 5,
                }
            },
            "",
            "Pipeline for main at ef0a4fdb (created by 'deploy' of 12)",
        ),
        ({"upstream": {"job": 7, "ancestors": {}}}, "", "Pipeline for the default branch"),
    ],
)
def test_a_run_says_from_its_beginning_what_it_is_for(conf: object, user: str, note: str):
    """What was asked for, by whom; anyone may have written it."""
    assert begun_note(conf, user) == note

"""Asking the person at the terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import replace

import pytest

from factories import make_job
from gitlab_ci_provider.cli.display.manual_jobs import words_of

PROGRAM = """
import sys
from gitlab_ci_provider.cli.display.manual_jobs import ManualJobPrompt, can_ask
from gitlab_ci_provider.cli.display.progress import Progress
assert can_ask()
looks = iter([True, False])
still = (lambda: next(looks)) if sys.argv[1:] else (lambda: True)
with Progress() as progress:
    print("played", ManualJobPrompt(progress, asks=True)(["approve", "ship it"], still), flush=True)
"""


def talk(typed: bytes, *arguments: str) -> str:
    """Answer the program on a terminal and return what it decided."""
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
        timeout=60,
        check=True,
    )
    os.close(theirs)
    os.close(ours)
    return done.stdout.decode().strip()


@pytest.mark.parametrize(
    ("typed", "played"),
    [
        (b"y\nyes\n", "played ['approve', 'ship it']"),
        (b"Y\nn\n", "played ['approve']"),
        (b"\n\n", "played []"),
        (b"what\ny\nno\n", "played ['approve']"),
        (b"\x04\x04", "played []"),
    ],
)
def test_each_job_is_asked_for(typed: bytes, played: str):
    """Yes plays it; no, nothing and the end of the input leave it; else it is asked again."""
    assert talk(typed) == played


def test_a_question_that_is_over_is_not_waited_for():
    """Somebody has played the job in the Airflow UI meanwhile."""
    assert talk(b"", "over") == "played []"


def test_what_a_job_asks_is_read_before_it_is_played():
    """Its confirmation word for word, its inputs with what they would be."""
    job = replace(
        make_job("deploy"),
        manual_confirmation="Really?\nIt is Friday.",
        inputs={"target": {"default": "staging"}, "count": {"type": "number", "default": 1}},
    )
    assert list(words_of(job)) == [
        "  Really?",
        "  It is Friday.",
        (
            "  Its inputs would be target='staging', count=1. For others, answer no and use "
            "`gitlab-dags play --input NAME=VALUE`."
        ),
    ]
    assert list(words_of(make_job("deploy"))) == []

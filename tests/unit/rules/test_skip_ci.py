"""`[skip ci]` and the push option `ci.skip`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories import make_pipeline
from gitlab_ci_provider.cli.main import main
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.project import Commit, Project, Ref
from gitlab_ci_provider.rules.skip_ci import skip_reason
from gitlab_ci_provider.runs.form import read_form
from servers.repositories import commit, make_repository

CONTEXT = PipelineContext(
    project=Project(path="group/project", clone_url="file:///x"), ref=Ref(name="main", sha="a" * 40)
)


def context(message: str = "", **changes: Any) -> PipelineContext:
    return replace(CONTEXT, commit=Commit(message=message), **changes)


@pytest.mark.parametrize("words", ["[skip ci]", "[ci skip]", "[SKIP-CI]", "[ci_skip]", "[Skip_CI]"])
def test_a_push_whose_message_says_so_is_skipped(words: str):
    """Anywhere in the message, in any capitals; the reason quotes it."""
    assert words in str(skip_reason(context(f"Release 1.2\n\nDone. {words}\n")))


@pytest.mark.parametrize(
    "message", ["", "skip ci", "[skipci]", "[skip  ci]", "[skip ci", "[no ci]"]
)
def test_other_words_mean_nothing(message: str):
    """The brackets and one space, `-` or `_` are part of it."""
    assert skip_reason(context(message)) is None


@pytest.mark.parametrize("source", ["merge_request_event", "external"])
def test_what_follows_from_a_push_is_skipped_too(source: Any):
    """As in GitLab."""
    assert skip_reason(context("[skip ci]", source=source))


@pytest.mark.parametrize(
    "source", ["web", "api", "trigger", "schedule", "pipeline", "parent_pipeline"]
)
def test_what_somebody_asks_for_runs(source: Any):
    """A person who starts a pipeline wants it."""
    assert skip_reason(context("[skip ci]", source=source, skip_push=True)) is None


def test_the_push_option_is_for_branches_only():
    """Merge request pipelines of the same push run, as GitLab's documentation has it."""
    assert "ci.skip" in str(skip_reason(context(skip_push=True)))
    assert skip_reason(context(skip_push=True, source="merge_request_event")) is None


@pytest.mark.parametrize(
    ("options", "skips"),
    [
        (["ci.skip"], True),
        ("ci.skip", True),
        ({"ci": {"skip": True}}, True),
        ({"ci": {"skip": 1, "variable": {"A=1": 1}}}, True),
        ({"mr": {"skip": True}}, False),
        (["ci.variable=A=1"], False),
        ({}, False),
        (None, False),
    ],
)
def test_push_options_come_as_webhooks_tell_them(options: Any, skips: bool):
    """As a mapping in GitLab's payload, as a list in git's hooks."""
    conf = {"source": "push", "push_options": options}

    assert read_form(make_pipeline(), conf, scheduled=False).skip is skips


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    make_repository(tmp_path / "app", {".gitlab-ci.yml": "job: {script: 'true'}\n"})
    commit(tmp_path / "app", {"version": "1.2"}, "Release 1.2 [skip ci]")
    return tmp_path / "app"


def test_compile_tells_of_it(repository: Path, capsys: pytest.CaptureFixture[str]):
    """The pipeline is none, with the reason; another source has it."""
    assert main(["compile", "--json", str(repository)]) == 0
    pushed = json.loads(capsys.readouterr().out)
    main(["compile", "--json", str(repository), "--source", "web"])
    asked = json.loads(capsys.readouterr().out)

    assert (pushed["pipeline"], pushed["jobs"]) == ("none", {})
    assert "[skip ci]" in pushed["reason"]
    assert list(asked["jobs"]) == ["job"]


@pytest.mark.parametrize("flags", [[], ["--explain", "job"]])
def test_people_are_told_too(
    flags: list[str], repository: Path, capsys: pytest.CaptureFixture[str]
):
    """In the table, and where a job is explained."""
    main(["compile", str(repository), *flags])

    assert "the commit message contains [skip ci]" in capsys.readouterr().out

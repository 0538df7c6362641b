"""Flags of `trigger` and `backfill` to the conf of a run."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from gitlab_ci_provider.cli import run_flags as asked
from gitlab_ci_provider.cli.main import main


def conf(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    asked.add_flags(parser, source="api")
    return asked.conf(parser.parse_args(arguments))


def test_what_is_not_asked_is_not_said():
    """The run's form keeps its defaults."""
    assert conf() == {"source": "api"}


def test_values_stay_as_they_are_written_with_their_equals_signs():
    """What the text of an input means is said by its type, which only the file knows."""
    given = conf("--input", "version=1.10", "--input", "list=[1]", "--var", "A=b=c")

    assert given["inputs"] == {"version": "1.10", "list": "[1]"}
    assert given["variables"] == {"A": "b=c"}


@pytest.mark.parametrize("arguments", [("--var", "A"), ("--input", "=1")])
def test_a_pair_that_is_none_is_wrong_usage(arguments: tuple[str, ...]):
    """Exit code 2, like every other wrong flag."""
    with pytest.raises(SystemExit) as ended:
        conf(*arguments)

    assert ended.value.code == 2


def test_without_a_stack_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Without a running stack, the message says how to start one, or to name an Airflow."""
    monkeypatch.setenv("GITLAB_DAGS_HOME", str(tmp_path))
    monkeypatch.delenv("GITLAB_DAGS_AIRFLOW_URL", raising=False)

    assert main(["trigger", "group/project"]) == 1
    assert "gitlab-dags up" in capsys.readouterr().err


def test_an_airflow_that_does_not_answer_is_said(capsys: pytest.CaptureFixture[str]):
    """No traceback for a wrong address."""
    code = main(["trigger", "group/project", "--airflow-url", "http://127.0.0.1:9"])

    assert code == 1
    assert "does not answer" in capsys.readouterr().err


def test_files_of_variables(tmp_path: Path):
    """Lines or a mapping, as they are written; --var wins over both, whatever the order."""
    (tmp_path / "a.env").write_text("# a comment\n\nexport A=1\nB = 'two words'\nC==\n")
    (tmp_path / "b.yml").write_text("D: 010\nE: yes\nA: later\n")
    files = [f"--variables-file={tmp_path / name}" for name in ("a.env", "b.yml")]

    assert conf("--var", "B=mine", *files)["variables"] == {
        "A": "later",
        "B": "mine",
        "C": "=",
        "D": "010",
        "E": "yes",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.env", "A"), ("a.yml", "[A]"), ("a.yml", "A: {B: c}"), ("a.yml", "{"), ("a.env", "\xff")],
)
def test_a_file_without_variables_is_wrong_usage(name: str, text: str, tmp_path: Path):
    """Exit code 2, as for a wrong flag."""
    (tmp_path / name).write_bytes(text.encode("latin-1"))

    with pytest.raises(SystemExit) as ended:
        conf("--variables-file", str(tmp_path / name))

    assert ended.value.code == 2


def test_files_of_inputs(tmp_path: Path):
    """Values have the types that are written, dates are texts; --input wins."""
    (tmp_path / "a.yml").write_text('{n: 3, on: true, word: "3", day: 2026-01-01, list: [a, 1]}')
    (tmp_path / "b.json").write_text('{"n": 4}')
    files = [f"--inputs-file={tmp_path / name}" for name in ("a.yml", "b.json")]

    assert conf("--input", "on=false", *files)["inputs"] == {
        "n": 4,
        "on": "false",
        "word": "3",
        "day": "2026-01-01",
        "list": ["a", 1],
    }


@pytest.mark.parametrize("text", ["[a]", "{1: a}", "{", "!!python/name:os.system"])
def test_a_file_without_inputs_is_wrong_usage(text: str, tmp_path: Path):
    """Exit code 2, as for a wrong flag."""
    (tmp_path / "a.yml").write_text(text)

    with pytest.raises(SystemExit) as ended:
        conf("--inputs-file", str(tmp_path / "a.yml"))

    assert ended.value.code == 2


def test_what_no_needs_belongs_to():
    """It says something about the jobs that were asked for."""
    assert conf("--stage", "test", "--no-needs") == {
        "source": "api",
        "stages": ["test"],
        "no_needs": True,
    }
    with pytest.raises(SystemExit):
        conf("--no-needs")


@pytest.mark.parametrize("other", [("--ref", "main"), ("--tag", "v1"), ("--sha", "0" * 40)])
def test_the_working_copy_is_no_other_commit(
    other: tuple[str, str], capsys: pytest.CaptureFixture[str]
):
    """Files on disk and a commit contradict each other."""
    with pytest.raises(SystemExit):
        main(["run", ".", "--worktree", *other])

    assert f"--worktree cannot be combined with {other[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], {}),
        (["--changed", "a", "--changed", "b"], {"changed": ["a", "b"]}),
        (["--no-changed"], {"changed": []}),
    ],
)
def test_changed_files_are_said_when_a_flag_says_so(flags: list[str], said: dict[str, object]):
    """No file is something else than nothing said."""
    parser = argparse.ArgumentParser()
    asked.add_place_flags(parser, ref="x")
    args = parser.parse_args(flags)

    assert asked.Place(None, "").conf(args, None) == said


@pytest.mark.parametrize("command", ["run", "trigger", "compile"])
def test_a_source_that_does_not_exist_is_wrong_usage(
    command: str, capsys: pytest.CaptureFixture[str]
):
    """It is known before a stack is started, and another one is suggested."""
    with pytest.raises(SystemExit) as ended:
        main([command, ".", "--source", "psh"])

    assert ended.value.code == 2
    assert "did you mean 'push'?" in capsys.readouterr().err

"""How any command ends when it cannot do what it was asked."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.cli.commands import compile as compile_command
from gitlab_ci_provider.cli.main import _parser, main


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_DAGS_HOME", str(tmp_path / "home"))


def breaks(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(compile_command, "compile_request", fail)


def test_what_nobody_thought_of_is_one_sentence_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A person reads what happened and where the rest is; the traceback is in that file only."""
    breaks(monkeypatch, RuntimeError("odd\nand more"))

    code = main(["compile", "--var", "SECRET=hunter2"])

    said = capsys.readouterr().err.splitlines()
    (log,) = (tmp_path / "home" / "logs").glob("gitlab-dags-error-*.log")
    expected = f"gitlab-dags: internal error: RuntimeError: odd; please report it and attach {log}"
    assert (code, said) == (70, [expected])
    assert "Traceback" in log.read_text()
    assert "hunter2" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_without_a_place_for_the_file_the_sentence_comes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A home and a folder for temporary files that cannot be written hide nothing."""
    (tmp_path / "home").write_text("a file")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "home" / "none"))
    breaks(monkeypatch, RecursionError("too deep"))

    assert main(["compile"]) == 70
    assert capsys.readouterr().err == "gitlab-dags: internal error: RecursionError: too deep\n"


PROBLEMS = (RuntimeError("odd"), KeyboardInterrupt(), PermissionError(13, "Permission denied", "x"))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: type(one).__name__)
def test_json_is_printed_in_every_outcome(
    problem: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A program that asked for JSON gets some, whatever happens."""
    breaks(monkeypatch, problem)

    code = main(["compile", "--json"])

    answer = json.loads(capsys.readouterr().out)
    assert code in {1, 70, 130}
    assert answer["valid"] is False
    assert answer["error"]


USAGE = (
    ["run", "--json", "--nope"],
    ["run", "--json", "--var", "nothing"],
    ["run", "--port", "x", "--json"],
    ["environments", "--json"],
    ["lint", "--fix", "--json"],
    ["compile", "--json", "--mr-target", "main", "--source", "push"],
)


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_is_json_too(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    """Exit code 2, and what is wrong as `error`."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of all commands that do something."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    for action in below:
        for command in action.choices.values():
            yield from commands(command)
    if not below:
        yield parser


def test_every_command_has_json():
    """A program can use each of them; what prints a script or JSON anyway needs no flag for it."""
    without = {
        one.prog for one in commands(_parser([])) if "--json" not in one._option_string_actions
    }

    assert without == {"gitlab-dags completion", "gitlab-dags runners schema"}


def test_an_interrupt_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Ctrl-C ends any command with the exit code that shells know."""
    breaks(monkeypatch, KeyboardInterrupt())

    assert main(["compile"]) == 130
    assert capsys.readouterr().err == "gitlab-dags: stopped\n"


def test_a_failure_of_the_system_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """No `[Errno 13]`."""
    breaks(monkeypatch, PermissionError(13, "Permission denied", "/some/file"))

    assert main(["compile"]) == 1
    assert capsys.readouterr().err == "gitlab-dags: /some/file: Permission denied\n"


def test_a_request_that_breaks_us_is_answered_like_any_other(monkeypatch: pytest.MonkeyPatch):
    """Those after it on `--json-lines` are answered, too."""
    breaks(monkeypatch, RecursionError("too deep"))

    assert "internal error: RecursionError" in str(compile_command.answer('{"path": "."}')["error"])


MEANT = (
    (["rnu"], "run"),
    (["run", "--jbo", "x"], "--job"),
    (["compile", "--source", "pushh"], "push"),
    (["lint", "--format", "jsno"], "json"),
    (["artifacts", "lsit"], "list"),
)


@pytest.mark.parametrize(("given", "meant"), MEANT, ids=str)
def test_a_mistyped_word_is_answered_with_what_was_meant(
    given: list[str], meant: str, capsys: pytest.CaptureFixture[str]
):
    """Commands, flags and their values: one line, which names the help of that command."""
    with pytest.raises(SystemExit):
        main(given)

    (said,) = capsys.readouterr().err.splitlines()
    command = " ".join(given[:-1]) if given[0] in {"artifacts"} else given[0] if given[1:] else ""
    assert f"did you mean '{meant}'?" in said
    assert said.endswith(f"; see `gitlab-dags {command} --help`".replace("  ", " "))


def test_what_is_not_about_a_place_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A folder that does not exist has no line 1, in any format."""
    gone = str(tmp_path / "gone")
    shown = {}
    for form in ("text", "json", "sarif", "junit", "gitlab-codequality"):
        assert main(["lint", gone, "--format", form]) == 1
        shown[form] = capsys.readouterr().out

    assert shown["text"].startswith(f"{gone}: error [file-missing]")
    assert shown["text"].endswith("\n1 error, 0 warnings\n")
    assert json.loads(shown["json"])[0]["line"] is None
    assert "startLine" not in shown["sarif"]
    assert ":1" not in shown["junit"]


def test_every_command_with_a_result_has_json():
    """Programs read it; `completion` prints a script, and `runners schema` is JSON already."""
    without = [name for name, parser in leaves(_parser([])) if not has_json(parser)]
    assert without == ["runners schema", "completion"]


def leaves(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, Any]]:
    """List the commands that do something, with their parsers."""
    below = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not below:
        yield name.strip(), parser
    for action in below:
        for word, each in action.choices.items():
            yield from leaves(each, f"{name} {word}")


def has_json(parser: argparse.ArgumentParser) -> bool:
    """Tell whether a command has `--json`."""
    return any("--json" in action.option_strings for action in parser._actions)

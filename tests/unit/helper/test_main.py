"""The program: exit codes, last words, and what it imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.helper import __main__ as program
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable
from gitlab_ci_provider.model.serialization import encode
from processes.frames import read_frames

HEAVY = ("boto3", "botocore", "zstandard", "msgspec", "zipfile", "tarfile", "airflow")


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """The program changes what belongs to the whole process."""
    handler, umask = signal.getsignal(signal.SIGTERM), os.umask(0)
    os.umask(umask)
    yield
    signal.signal(signal.SIGTERM, handler)
    os.umask(umask)


def arguments(folder: Path, plan: JobPlan, command: str = "prepare") -> list[str]:
    """Write a plan and build the command line for it."""
    (folder / "plan.json").write_bytes(encode(plan))
    (folder / "control").mkdir(exist_ok=True)
    options = {
        "--plan": folder / "plan.json",
        "--control": folder / "control",
        "--termination-log": folder / "report",
    }
    return [command, *(str(part) for pair in options.items() for part in pair)]


def test_prepare_imports_nothing_heavy(tmp_path: Path):
    """Every job waits for it; what only some jobs need is imported by those."""
    plan = JobPlan(job="job", project_dir=str(tmp_path / "project"))
    code = (
        "import sys; from gitlab_ci_provider.helper.__main__ import main\n"
        f"assert main({arguments(tmp_path, plan)!r}) == 0\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr == "[]\n"


def test_a_failure_is_told_and_masked(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]):
    """In the last line of the log and in the report, which tells how many lines there were."""
    variables = (
        PlanVariable(name="../secret-name", value="", file=True),
        PlanVariable(name="TOKEN", value="secret-name", masked=True),
    )
    plan = JobPlan(job="job", project_dir=str(tmp_path / "project"), variables=variables)

    code = program.main(arguments(tmp_path, plan))

    shown = read_frames(capfdbinary.readouterr().out).decode()
    report = json.loads((tmp_path / "report").read_bytes())
    assert code == 70
    assert report["lines"] == shown.count("\n")
    assert "ERROR: variable '../[MASKED]'" in shown.splitlines()[-1]
    assert report["phase"] == "prepare_script"
    assert report["reason"] == "runner_configuration_error"
    assert "[MASKED]" in report["message"]
    assert "secret-name" not in shown + str(report)


def test_no_place_for_the_termination_message_is_no_failure(tmp_path: Path):
    """A read-only root must not fail a job whose work is done."""
    plan = JobPlan(job="job", project_dir=str(tmp_path / "project"))
    *given, _ = arguments(tmp_path, plan)

    assert program.main([*given, str(tmp_path / "none" / "termination-log")]) == 0


def test_a_mistake_of_ours_leaves_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
):
    """And its traceback in the log, since nobody foresaw it."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("top-secret-value")

    monkeypatch.setattr(program, "_run", broken)
    secret = PlanVariable(name="TOKEN", value="secret-value", masked=True)
    plan = JobPlan(job="job", project_dir=str(tmp_path / "project"), variables=(secret,))

    code = program.main(arguments(tmp_path, plan))

    shown = read_frames(capfdbinary.readouterr().out).decode()
    assert code == 1
    assert "Traceback" in shown
    assert "ZeroDivisionError: top-[MASKED]" in shown
    assert "ZeroDivisionError" in json.loads((tmp_path / "report").read_bytes())["message"]


def test_a_wrong_command_is_refused(capfd: pytest.CaptureFixture[str]):
    """With the right ones."""
    with pytest.raises(SystemExit) as caught:
        program.main(["prepear"])

    assert caught.value.code == 2
    assert "'prepare', 'finish'" in capfd.readouterr().err


def test_what_libraries_say_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
):
    """In its place, and without secrets: nobody reads the standard error of this process."""

    def warn(_: str, context: PhaseContext) -> None:
        context.output.line("before")
        sys.stderr.write("a warning about secret-value\n")
        context.output.line("after")

    monkeypatch.setattr(program, "_run", warn)
    secret = PlanVariable(name="TOKEN", value="secret-value", masked=True)
    plan = JobPlan(job="job", project_dir=str(tmp_path / "project"), variables=(secret,))

    program.main(arguments(tmp_path, plan))

    shown = read_frames(capfdbinary.readouterr().out)
    assert shown == b"before\na warning about [MASKED]\nafter\n"

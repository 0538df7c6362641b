"""The shell text of a job's scripts, run by real shells."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable
from gitlab_ci_provider.planner.script import after_script, entry, step_script
from processes.shells import NAMES, shell_named

Done = subprocess.CompletedProcess[bytes]

# What decides whether a job fails: each of these ends differently in shells that get it wrong.
ENDINGS = (
    "true",
    "false",
    "exit 3",
    "(exit 4)",
    "false && true",
    "true && false",
    "false || true",
    "! true",
    "! false",
    "if false; then echo no; fi",
    "while false; do :; done",
    "f() { false; echo after; }; f",
    "f() { false; echo after; }; f || echo caught",
    "x=$(false)",
    "echo $(false)",
    "export x=$(false)",
    "set +e\nfalse\necho on",
    "set +e; false",
    "false; echo unreachable",
    "{ false; echo unreachable; }",
    "(false; echo unreachable)",
    "cd /does/not/exist",
    "/does/not/exist",
    "trap 'exit 9' EXIT; true",
    "trap 'echo bye' EXIT; exit 5",
    "exec true",
    "exec false",
    "cat",
    "read line || echo nothing",
    "case a in a) false;; esac",
    "for i in 1 2; do [ $i = 1 ]; done",
    "eval 'exit 6'",
    "sh -c 'exit 7'",
    "cat <<END\nit's $HOME\nEND\nfalse",
    "if",
    "echo 'open",
)


@pytest.fixture(params=NAMES)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each shell in turn."""
    return shell_named(request.param, tmp_path)


def make_plan(folder: Path, **variables: str) -> JobPlan:
    """Plan a job in a folder."""
    listed = tuple(PlanVariable(name=name, value=value) for name, value in variables.items())
    return JobPlan(job="job", project_dir=str(folder), variables=listed)


def run_text(shell: Path, folder: Path, text: str) -> Done:
    """Run shell text as the entry does: from a file, with an empty standard input."""
    file = folder / "script"
    file.write_text(text, encoding="utf-8")
    return subprocess.run(
        [shell, file], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
    )


def run(shell: Path, folder: Path, *commands: str, **variables: str) -> Done:
    """Run commands as the script of a job."""
    text = step_script(make_plan(folder, **variables), Script(main=commands))
    return run_text(shell, folder, text)


def written(done: Done) -> list[str]:
    """List the lines that the commands wrote, without their echoes."""
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return [line for line in lines if not line.startswith("\x1b[32;1m$ ")]


@pytest.mark.parametrize("ending", ENDINGS)
def test_ends_as_with_the_runner(shell: Path, tmp_path: Path, ending: str):
    """The exit code is the one that the runner gets, which runs `eval` at the end of a pipe."""
    runner = f"set -o errexit\n: | (eval {shlex.quote(ending)})\nexit 0\n"
    pipefail = "if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi\n"

    expected = run_text(shell, tmp_path, pipefail + runner).returncode

    assert run(shell, tmp_path, ending).returncode == expected


def test_before_script_and_script_share_one_shell(shell: Path, tmp_path: Path):
    """Variables, functions and the current folder of before_script are there in script."""
    (tmp_path / "sub").mkdir()
    script = Script(before=("cd sub; x=1", "f() { echo f; }"), main=('echo "$x"; f; pwd',))

    done = run_text(shell, tmp_path, step_script(make_plan(tmp_path), script))

    assert written(done) == ["1", "f", str(tmp_path / "sub")]


def test_a_failing_before_script_ends_the_job(shell: Path, tmp_path: Path):
    """Nothing runs after `exit 3` in before_script, and 3 is the job's exit code."""
    script = Script(before=("exit 3",), main=("echo unreachable",))

    done = run_text(shell, tmp_path, step_script(make_plan(tmp_path), script))

    assert (done.returncode, written(done)) == (3, [])


def test_a_pipe_fails_where_the_shell_knows_pipefail(shell: Path, tmp_path: Path):
    """`false | true` fails the job in shells with pipefail, and only there."""
    knows = subprocess.run([shell, "-c", "set -o pipefail"], capture_output=True, check=False)

    assert bool(run(shell, tmp_path, "false | true").returncode) == (knows.returncode == 0)


def test_commands_are_echoed(shell: Path, tmp_path: Path):
    """A command is shown in green; of one with several lines the first, marked as collapsed."""
    done = run(shell, tmp_path, r"echo 'a\nb' {{ x }} %s", "if true; then\n  echo c\nfi")

    assert done.stdout.decode() == (
        "\x1b[32;1m$ echo 'a\\nb' {{ x }} %s\x1b[0;m\n"
        + subprocess.run(
            [shell, "-c", r"echo 'a\nb' {{ x }} %s"], capture_output=True, check=True
        ).stdout.decode()
        + "\x1b[32;1m$ if true; then # collapsed multi-line command\x1b[0;m\nc\n"
    )


def test_an_empty_command_is_an_empty_line(shell: Path, tmp_path: Path):
    """The runner writes an empty line for it and goes on."""
    assert written(run(shell, tmp_path, "  \n", "echo on")) == ["", "on"]


def test_one_construct_may_span_commands(shell: Path, tmp_path: Path):
    """All commands are one text, so an `if` may end in the next list item."""
    done = run(shell, tmp_path, "if false; then", "echo no", "fi", "echo on")

    assert written(done) == ["on"]


def test_standard_input_is_empty(shell: Path, tmp_path: Path):
    """A program that reads its input gets an end of file instead of the rest of the script."""
    assert written(run(shell, tmp_path, "cat; wc -c | tr -d ' '", "echo on")) == ["0", "on"]


def test_a_thousand_commands(shell: Path, tmp_path: Path):
    """Long scripts run whole and in order."""
    done = run(shell, tmp_path, *(f"echo {number}" for number in range(1000)))

    assert written(done) == [str(number) for number in range(1000)]


def test_output_is_left_as_it_is(shell: Path, tmp_path: Path):
    """Bytes that are not text and a missing last line end reach the log unchanged."""
    done = run(shell, tmp_path, r"printf '\000\377\200\033[1m no line end'")

    assert done.stdout.endswith(b"\x1b[0;m\n\0\xff\x80\x1b[1m no line end")


def test_a_process_in_the_background_does_not_hold_the_script(shell: Path, tmp_path: Path):
    """The script ends with its last command although a process of it goes on."""
    done = run(shell, tmp_path, "sleep 600 >/dev/null 2>&1 & echo $! > pid", "echo end")
    subprocess.run(["kill", (tmp_path / "pid").read_text().strip()], check=True)

    assert (done.returncode, written(done)) == (0, ["end"])


def test_noclobber_is_off(shell: Path, tmp_path: Path):
    """Files may be overwritten with `>`, whatever the image's shell is set to."""
    assert run(shell, tmp_path, "echo 1 > f; echo 2 > f; cat f").returncode == 0


def test_debug_trace_shows_commands_as_they_run(shell: Path, tmp_path: Path):
    """A plan that traces turns on xtrace, before the variables are exported."""
    plan = make_plan(tmp_path, SHOWN="value")
    script = Script(main=("echo traced",))

    traced = run_text(shell, tmp_path, step_script(replace(plan, debug_trace=True), script)).stderr

    assert b"+ echo traced" in traced
    assert b"SHOWN=value" in traced
    assert b"+ echo traced" not in run_text(shell, tmp_path, step_script(plan, script)).stderr


def test_a_missing_working_copy_fails_the_job(shell: Path, tmp_path: Path):
    """The script never runs in another folder than CI_PROJECT_DIR."""
    text = step_script(make_plan(tmp_path / "missing"), Script(main=("echo unreachable",)))

    done = run_text(shell, tmp_path, text)

    assert done.returncode != 0
    assert written(done) == []


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_values_reach_the_script_unchanged(
    name: str, tmp_path_factory: pytest.TempPathFactory, value: str
):
    """Every text survives quoting: quotes, line ends, control characters, any language."""
    folder = tmp_path_factory.mktemp("job")
    done = run(shell_named(name, folder), folder, 'printf %s "$VALUE" > value', VALUE=value)

    assert done.returncode == 0, done.stderr
    assert (folder / "value").read_bytes() == value.encode()


def test_a_file_variable_is_a_path(shell: Path, tmp_path: Path):
    """The script gets the path of the file that the helper has written."""
    variable = PlanVariable(name="KEY", value="secret", file=True)
    plan = JobPlan(job="job", project_dir=str(tmp_path), variables=(variable,))

    text = step_script(plan, Script(main=('echo "$KEY"',)))

    assert "secret" not in text
    assert written(run_text(shell, tmp_path, text)) == [f"{tmp_path}.tmp/KEY"]


def test_a_name_that_no_shell_exports_is_warned_about(shell: Path, tmp_path: Path):
    """The job goes on without the variable, and says so."""
    done = run(shell, tmp_path, "echo on", **{"a.b": "1", "GOOD": "1"})

    assert done.returncode == 0
    assert "WARNING: variable 'a.b' is not exported" in written(done)[0]
    assert written(done)[1:] == ["on"]


def test_nul_is_refused(tmp_path: Path):
    """No shell can carry a NUL: the job fails before it starts and says where."""
    with pytest.raises(SystemFailure, match="NUL"):
        step_script(make_plan(tmp_path, BAD="a\0b"), Script(main=("true",)))


def test_git_in_the_job_accepts_the_working_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The working copy may belong to another user than the job's, unless the job has settings."""
    monkeypatch.delenv("GIT_CONFIG_COUNT", raising=False)  # the tests may run in such a job
    ask = "git config --get-all safe.directory || echo none"
    shell = shell_named("bash", tmp_path)

    assert written(run(shell, tmp_path, ask))[-1] == str(tmp_path)
    assert written(run(shell, tmp_path, ask, GIT_CONFIG_COUNT="0"))[-1] != str(tmp_path)


def test_job_status_is_running(shell: Path, tmp_path: Path):
    """CI_JOB_STATUS is `running` in script."""
    assert written(run(shell, tmp_path, 'echo "$CI_JOB_STATUS"')) == ["running"]


def test_after_script_is_empty_without_commands(tmp_path: Path):
    """No after_script, no text; then the entry does not run it either."""
    script = Script(main=("true",))

    assert after_script(make_plan(tmp_path), script) == ""
    assert "after_script=no\n" in entry(make_plan(tmp_path), script)

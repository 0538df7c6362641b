"""What scripts write reaches the pod's log whole, in order, and in its section; in every shell."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable
from processes.pod import Pod, project_dir
from processes.shells import NAMES, shell_named
from processes.waiting import wait_until

pytestmark = pytest.mark.integration

SECTION = re.compile(
    rb"section_start:\d+:(?P<name>\w+)\r\x1b\[0K[^\n]*\n(?P<text>.*?)section_end:\d+:(?P=name)\r\x1b\[0K\n",
    re.DOTALL,
)
COMMAND = re.compile(rb"\x1b\[32;1m(?:\$ |Running)[^\n]*\n")


def sections(folder: Path, shell: str, script: Script, **variables: str) -> dict[str, bytes]:
    """Run a job; return what stands in each section, without the echo of the commands."""
    listed = tuple(PlanVariable(name=name, value=value) for name, value in variables.items())
    plan = JobPlan(job="job", project_dir=project_dir(folder), variables=listed)
    pod = Pod(folder, plan, script, shell_named(shell, folder))
    pod.run()
    log = pod.raw("helper")
    found = {
        one["name"].decode(): COMMAND.sub(b"", one["text"])
        for one in SECTION.finditer(log)
        if one["name"].endswith(b"_script")
    }
    assert not pod.raw("build")
    return found


@pytest.mark.parametrize("shell", NAMES)
def test_both_streams_are_one(tmp_path: Path, shell: str):
    """In the order in which the job wrote them, also those of programs that it starts."""
    loop = 'for i in 1 2 3 4 5; do echo "out $i"; echo "err $i" >&2; sh -c "echo sub $i >&2"; done'

    log = sections(tmp_path, shell, Script(main=(loop,)))

    expected = "".join(f"out {i}\nerr {i}\nsub {i}\n" for i in range(1, 6))
    assert log["step_script"].decode() == expected


@pytest.mark.parametrize("shell", NAMES)
def test_the_last_words_of_a_script_are_in_its_section(tmp_path: Path, shell: str):
    """Without a line end, in every part of the job."""
    script = Script(
        before=("printf 'warming up' >&2",),
        main=("printf 'error no such key' >&2; exit 3",),
        after=("printf 'no place to clean' >&2; exit 4",),
    )

    log = sections(tmp_path, shell, script)

    assert log["step_script"] == b"warming uperror no such key"
    assert log["after_script"].startswith(b"no place to clean")


@pytest.mark.parametrize("shell", NAMES)
def test_the_trace_stands_before_what_it_traces(tmp_path: Path, shell: str):
    """`set -x` writes to the standard error, its command to the standard output."""
    log = sections(tmp_path, shell, Script(main=("set -x; echo one; echo two",)))

    lines = [line.lstrip(b"+ ") for line in log["step_script"].splitlines()]
    assert lines == [b"echo one", b"one", b"echo two", b"two"]


def test_any_bytes_pass_unchanged(tmp_path: Path):
    """NUL, invalid UTF-8, colours, carriage returns, and a line of a megabyte without an end."""
    odd = tmp_path / "odd"
    odd.write_bytes(b"\x00\xff\xfe\x1b[31mred\x1b[0m\r10%\r100%\r\n" + b"x" * 1_000_000)

    log = sections(tmp_path, "bash", Script(main=(f"cat {odd}",)))

    assert log["step_script"] == odd.read_bytes()


def test_what_runs_in_the_background_is_heard_while_the_job_lasts(tmp_path: Path):
    """Also behind the end of its own script, in the section of the next."""
    go, done = tmp_path / "go", tmp_path / "done"
    late = f"(read -r _ <{go}; echo late; echo later >&2; echo >{done}) &"
    script = Script(
        main=(f"mkfifo {go} {done}; {late} echo script",),
        after=(f"echo >{go}; read -r _ <{done}; printf 'after' >&2",),
    )

    log = sections(tmp_path, "bash", script)

    assert log == {"step_script": b"script\n", "after_script": b"late\nlater\nafter"}


def test_programs_that_open_their_output_anew_are_heard(tmp_path: Path):
    """By its name in /dev, as loggers and nginx do it, and by descriptors that they copy."""
    script = Script(main=("echo a >/dev/stdout; echo b >/dev/stderr; exec 5>&1; echo c >&5",))

    log = sections(tmp_path, "bash", script)

    assert log["step_script"] == b"a\nb\nc\n"


def test_no_line_of_very_many_is_lost(tmp_path: Path):
    """The script waits when the log cannot take more."""
    if shutil.which("seq") is None:
        pytest.skip("no seq")

    log = sections(tmp_path, "bash", Script(main=("seq 300000",)))

    assert log["step_script"].split() == [b"%d" % number for number in range(1, 300_001)]


@pytest.mark.parametrize("shell", NAMES)
def test_a_line_without_an_end_is_shown_while_it_waits(tmp_path: Path, shell: str):
    """A question is in the log before anybody answers it; a secret is not, not even in part."""
    answer = tmp_path / "answer"
    ask = f"mkfifo {answer}; printf 'continue? top-'; read -r word <{answer}; echo $word"
    variables = (PlanVariable(name="TOKEN", value="top-secret", masked=True),)
    plan = JobPlan(job="job", project_dir=project_dir(tmp_path), variables=variables)
    pod = Pod(tmp_path, plan, Script(main=(ask,)), shell_named(shell, tmp_path))
    pod.prepare()
    pod.start_build()
    pod.start_helper()

    wait_until(lambda: pod.raw("helper").endswith(b"\ncontinue? "), "the question")
    answer.write_text("secret\n")

    assert pod.end("build").code == 0
    assert b"\ncontinue? [MASKED]\n" in pod.end("helper").log.encode()

"""Process 1 of the build container, in each shell, with a real FIFO."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

import pytest

from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.workspace import SCRIPT_TIMEOUT
from processes.build import Build, make_signal, wait_for_file
from processes.shells import NAMES, shell_named
from processes.waiting import wait_until_blocked, wait_until_session_ends


@pytest.fixture(params=NAMES)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each shell in turn."""
    return shell_named(request.param, tmp_path)


def test_the_script_runs_and_its_code_is_told(shell: Path, tmp_path: Path):
    """The exit code of the script is the container's, and the helper hears it."""
    code, heard, log = Build(tmp_path, shell, Script(main=("echo here", "exit 42"))).run()

    assert (code, heard) == (42, 42)
    assert "\nhere\n" in log


def test_sections_surround_the_script(shell: Path, tmp_path: Path):
    """GitLab's markers, so that the log can be folded; the script's bytes are between them."""
    _, _, log = Build(tmp_path, shell, Script(main=("printf x",))).run()

    lines = log.split("\n")
    start = '\r\x1b[0K\x1b[36;1mExecuting "step_script" stage of the job script\x1b[0;m'
    assert lines[0].startswith("section_start:1")
    assert lines[0].endswith(f":step_script{start}")
    assert lines[2].startswith("xsection_end:1")
    assert lines[2].endswith(":step_script\r\x1b[0K")


@pytest.mark.parametrize(("main", "status"), [("true", "success"), ("exit 3", "failed")])
def test_after_script_knows_how_the_script_ended(
    shell: Path, tmp_path: Path, main: str, status: str
):
    """It runs either way, in a new shell in the project's folder, with CI_JOB_STATUS."""
    after = ('echo "$CI_JOB_STATUS,$X,$PWD"',)
    script = Script(main=("export X=1; cd /", main), after=after)
    build = Build(tmp_path, shell, script)

    code, heard, log = build.run()

    assert code == heard == (0 if status == "success" else 3)
    assert f"\n{status},,{build.project}\n" in log


def test_gitlab_env_carries_variables_to_after_script(shell: Path, tmp_path: Path):
    """Lines that the script adds to the file are variables of the next script, as written."""
    (tmp_path / "project.tmp").mkdir()
    script = Script(main=("echo 'MADE=a b=$HOME' >> \"$GITLAB_ENV\"",), after=('echo "is $MADE"',))

    _, _, log = Build(tmp_path, shell, script).run()

    assert "\nis a b=$HOME\n" in log


@pytest.mark.parametrize(("ignore", "code"), [("true", 0), ("false", 5)])
def test_after_script_fails_the_job_only_when_asked(
    shell: Path, tmp_path: Path, ignore: str, code: int
):
    """Its exit code counts with AFTER_SCRIPT_IGNORE_ERRORS=false only."""
    script = Script(main=("true",), after=("exit 5",))
    build = Build(tmp_path, shell, script, AFTER_SCRIPT_IGNORE_ERRORS=ignore)

    ended, heard, log = build.run()

    assert (ended, heard) == (code, code)
    assert ("WARNING: after_script failed with exit code 5" in log) == (ignore == "true")


def test_the_script_code_wins_over_after_script(shell: Path, tmp_path: Path):
    """A failed script keeps its exit code whatever after_script does."""
    script = Script(main=("exit 3",), after=("exit 5",))
    build = Build(tmp_path, shell, script, AFTER_SCRIPT_IGNORE_ERRORS="false")

    assert build.run()[:2] == (3, 3)


def test_after_script_is_ended_after_its_time(shell: Path, tmp_path: Path):
    """RUNNER_AFTER_SCRIPT_TIMEOUT ends it, which by itself does not fail the job."""
    script = Script(main=("true",), after=("exec sleep 600",))
    build = Build(tmp_path, shell, script, RUNNER_AFTER_SCRIPT_TIMEOUT="1s")

    code, heard, log = build.run()

    assert (code, heard) == (0, 0)
    assert "WARNING: after_script ran longer than 1 s" in log


def test_the_script_is_ended_after_its_time(shell: Path, tmp_path: Path):
    """RUNNER_SCRIPT_TIMEOUT ends the script, leaves time for after_script, and is why it failed."""
    script = Script(main=("exec sleep 600",), after=('echo "$CI_JOB_STATUS"',))
    build = Build(tmp_path, shell, script, RUNNER_SCRIPT_TIMEOUT="1s")

    code, heard, log = build.run()

    assert code == heard != 0
    assert "WARNING: script ran longer than 1 s" in log
    assert "\ntimedout\n" in log
    assert (tmp_path / "last-words").read_text().startswith(SCRIPT_TIMEOUT)


def test_only_a_timeout_leaves_last_words(shell: Path, tmp_path: Path):
    """A script that fails in time has failed as a script."""
    assert (
        Build(tmp_path, shell, Script(main=("exit 3",)), RUNNER_SCRIPT_TIMEOUT="1h").run()[0] == 3
    )
    assert not (tmp_path / "last-words").exists()


def test_last_words_that_cannot_be_written_change_nothing(shell: Path, tmp_path: Path):
    """The end of the script is told all the same."""
    (tmp_path / "last-words").mkdir()
    build = Build(tmp_path, shell, Script(main=("exec sleep 600",)), RUNNER_SCRIPT_TIMEOUT="1s")

    code, heard, _ = build.run()

    assert code == heard != 0


def test_term_ends_the_running_script(shell: Path, tmp_path: Path):
    """TERM is handed on, the script may clean up, and the container ends with 143."""
    ready = make_signal(tmp_path / "ready")
    start = "sleep 600 >/dev/null 2>&1 &"
    trap = "trap 'kill -9 $! || true; echo cleaned; exit 0' TERM"
    # Not `wait`: a dash that is about to sleep in it can miss the signal for good.
    script = Script(main=(start, trap, f": > {ready}", "while :; do sleep 0.1; done"))
    build = Build(tmp_path, shell, script)
    heard = build.listen()

    with build.start() as process:
        wait_for_file(ready, process)
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=60)

    assert process.returncode == 143
    assert b"\ncleaned\n" in log
    assert heard.result(timeout=60) == 143


def test_term_at_the_very_start_of_the_script(shell: Path, tmp_path: Path):
    """Before the entry knows the process that it has just started: nothing is left running."""
    eager = tmp_path / "eager"
    eager.write_text(
        f'#!/bin/sh\ncase $1 in *step_script) kill -TERM $PPID;; esac\nexec {shell} "$@"\n'
    )
    eager.chmod(0o755)
    build = Build(tmp_path, eager, Script(main=("exec sleep 600",)))
    heard = build.listen()

    with build.start() as process:
        process.communicate(timeout=60)
        wait_until_session_ends(process.pid)

    assert process.returncode == 143
    assert heard.result(timeout=60) == 143


@pytest.mark.parametrize(("seconds", "runs"), [(None, True), (3600, True), (-1, False)])
def test_after_script_of_a_canceled_job(
    shell: Path, tmp_path: Path, seconds: int | None, runs: bool
):
    """It runs with CI_JOB_STATUS=canceled, but not when the job's own time is over."""
    ready = make_signal(tmp_path / "ready")
    script = Script(main=(f": > {ready}; exec sleep 600",), after=('echo "$CI_JOB_STATUS"',))
    deadline = None if seconds is None else int(datetime.now(UTC).timestamp()) + seconds
    build = Build(tmp_path, shell, script, deadline=deadline)
    heard = build.listen()

    with build.start() as process:
        wait_for_file(ready, process)
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=60)

    assert (process.returncode, heard.result(timeout=60)) == (143, 143)
    assert (b"\ncanceled\n" in log) == runs


def test_cancelling_leaves_a_running_after_script_alone(shell: Path, tmp_path: Path):
    """What has begun to clean up ends by itself; the script's exit code stays."""
    ready, gone = make_signal(tmp_path / "ready"), make_signal(tmp_path / "gone")
    after = (f": > {ready}; read line < {gone}; echo $CI_JOB_STATUS and cleaned",)
    build = Build(tmp_path, shell, Script(main=("true",), after=after))
    heard = build.listen()

    with build.start() as process:
        wait_for_file(ready, process)
        process.send_signal(signal.SIGTERM)
        gone.write_text("gone\n")
        log, _ = process.communicate(timeout=60)

    assert (process.returncode, heard.result(timeout=60)) == (0, 0)
    assert b"\nsuccess and cleaned\n" in log


def test_cancelling_as_the_script_ends(shell: Path, tmp_path: Path):
    """TERM in the very moment in which a script ends: the build ends all the same, and says how.

    Bash loses the end of about every third such script and then waits for the timer.
    """
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        ready, gone = make_signal(folder / "ready"), make_signal(folder / "gone")
        after = (f": > {ready}; read line < {gone}",)
        build = Build(folder, shell, Script(main=("true",), after=after))
        heard = build.listen()

        with build.start() as process:
            wait_for_file(ready, process)
            with gone.open("w") as opened:
                process.send_signal(signal.SIGTERM)
                opened.write("gone\n")
            process.communicate(timeout=60)

        assert (process.returncode, heard.result(timeout=60)) == (0, 0)


def test_term_while_nobody_listens(shell: Path, tmp_path: Path):
    """A build whose helper never comes can be ended."""
    build = Build(tmp_path, shell, Script(main=("true",)))

    with build.start() as process:
        wait_until_blocked(process.pid)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert process.returncode != 0


def test_a_helper_that_dies_does_not_change_the_exit_code(shell: Path, tmp_path: Path):
    """A missing listener is not a failure: the FIFO's broken pipe stays inside the entry."""
    ready, gone = make_signal(tmp_path / "ready"), make_signal(tmp_path / "gone")
    script = Script(main=(f": > {ready}; read line < {gone}", "yes | head -n 1 || true; exit 4"))
    build = Build(tmp_path, shell, script)
    with build.start() as process:
        helper = os.open(build.events, os.O_RDONLY)
        wait_for_file(ready, process)
        os.close(helper)
        gone.write_text("gone\n")
        log, _ = process.communicate(timeout=60)

    assert process.returncode == 4
    assert b"\ny\n" in log


def test_processes_left_behind_do_not_hold_the_helper(shell: Path, tmp_path: Path):
    """The helper's end of file comes from the entry alone: scripts never get the FIFO."""
    script = Script(main=("sleep 600 >/dev/null 2>&1 & echo $! > pid",))
    build = Build(tmp_path, shell, script)

    code, heard, _ = build.run()
    subprocess.run(["kill", (build.project / "pid").read_text().strip()], check=True)

    assert (code, heard) == (0, 0)


def test_a_killed_build_is_noticed(shell: Path, tmp_path: Path):
    """After `kill -9`, as by the kernel out of memory, the helper knows without being told."""
    ready = make_signal(tmp_path / "ready")
    build = Build(tmp_path, shell, Script(main=(f": > {ready}", "exec sleep 600")))
    heard = build.listen()

    with build.start() as process:
        wait_for_file(ready, process)
        process.kill()
        assert heard.result(timeout=60) is None
        os.killpg(process.pid, signal.SIGKILL)
        subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)


def test_without_a_fifo_the_build_ends(shell: Path, tmp_path: Path):
    """A pod that was not prepared fails at once instead of writing a file nobody reads."""
    build = Build(tmp_path, shell, Script(main=("true",)))
    build.events.unlink()

    with build.start() as process:
        log, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert b"the helper has not prepared this pod" in log
    assert not build.events.exists()


def test_any_user_may_run_it(shell: Path, tmp_path: Path):
    """An image's own user needs no right but to read the scripts and to write the FIFO."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    build = Build(tmp_path, shell, Script(main=("id -u",)))
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and folder.is_relative_to(gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)

    code, heard, log = build.run("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups")

    assert (code, heard) == (0, 0)
    assert "\n12345\n" in log


def test_as_process_1_of_a_container(shell: Path, tmp_path: Path):
    """TERM ends everything in the container although the kernel shields process 1."""
    namespaces = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    if subprocess.run([*namespaces, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no user namespaces")
    ready = make_signal(tmp_path / "ready")
    script = Script(main=(f"(trap '' HUP; sleep 600) & sh -c ': > {ready}; sleep 600'",))
    build = Build(tmp_path, shell, script)
    heard = build.listen()

    with build.start(*namespaces) as process:
        wait_for_file(ready, process)
        entry = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        os.kill(int(entry), signal.SIGTERM)
        process.communicate(timeout=60)

    assert process.returncode == 143
    assert heard.result(timeout=60) == 143


def test_on_a_read_only_root(shell: Path, tmp_path: Path):
    """Nothing is written but the FIFO and what the script itself writes."""
    namespaces = ("unshare", "--mount", "--propagation", "private")
    read_only = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro /"
    prefix = (*namespaces, "sh", "-c", f'{read_only} && exec "$@"', "sh")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets us mount nothing")
    script = Script(main=("touch /read-only || echo refused",), after=("true",))

    code, heard, log = Build(tmp_path, shell, script).run(*prefix)

    assert (code, heard) == (0, 0)
    assert "\nrefused\n" in log


def test_interrupts_reach_programs_of_the_job(tmp_path: Path):
    """With bash, programs do not start with SIGINT ignored, so a job can interrupt its own."""
    shell = shell_named("bash", tmp_path)
    ask = "grep SigIgn /proc/self/status"

    _, _, log = Build(tmp_path, shell, Script(main=(ask,))).run()

    ignored = int(log.split("SigIgn:\t")[1].split()[0], 16)
    assert not ignored & (1 << (signal.SIGINT - 1) | 1 << (signal.SIGPIPE - 1))


def test_after_script_runs_though_the_shell_is_gone(tmp_path: Path):
    """Kaniko unpacks an image over its own root: the shell that began may no longer be there."""
    shell = tmp_path / "own" / "sh"
    shell.parent.mkdir()
    shell.symlink_to(shell_named("dash", tmp_path))
    script = Script(main=(f"rm {shell}",), after=("echo still here",))

    code, heard, log = Build(tmp_path, shell, script).run()

    assert (code, heard) == (0, 0)
    assert "\nstill here\n" in log

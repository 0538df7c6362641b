"""The build container as processes: the entry with its scripts, and someone who listens."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from gitlab_ci_provider.helper.handshake import make_fifo, wait_for_build
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable
from gitlab_ci_provider.model.workspace import EVENTS_NAME, OUTPUT_NAME
from gitlab_ci_provider.planner import script as texts


class Build:
    """One build: `start` it, `listen` to it, in any order.

    Args:
        folder: for everything; the project is in it.
        shell: what starts the entry and what the entry finds.
        script: of the job.
        deadline: when the job's time is over, in seconds since 1970.
        variables: of the job.
    """

    def __init__(
        self,
        folder: Path,
        shell: Path,
        script: Script,
        *,
        deadline: int | None = None,
        **variables: str,
    ):
        self.project = folder / "project"
        self.project.mkdir()
        self.events = folder / EVENTS_NAME
        self._scripts = folder / "scripts"
        self._shell = shell
        self._listeners = ThreadPoolExecutor(1)
        make_fifo(self.events)
        listed = tuple(PlanVariable(name=name, value=value) for name, value in variables.items())
        plan = JobPlan(job="job", project_dir=str(self.project), variables=listed)
        write_scripts(self._scripts, plan, script, control=folder, shell=shell)
        entry = texts.entry(
            plan,
            script,
            deadline=deadline,
            # Never the FIFO of the job in which the tests themselves may run.
            paths=entry_paths(folder, shell),
        )
        (self._scripts / "entry").write_text(entry, encoding="utf-8")

    def start(self, *before: str) -> subprocess.Popen[bytes]:
        """Start the entry; `before` is a command line that runs it in some other way."""
        return subprocess.Popen(
            [*before, str(self._shell), str(self._scripts / "entry")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def listen(self) -> Future[int | None]:
        """Be the helper: the future holds what the build said at its end."""
        return self._listeners.submit(wait_for_build, self.events)

    def run(self, *before: str) -> tuple[int, int | None, str]:
        """Run to the end; return the exit code, what the helper was told, and the log."""
        heard = self.listen()
        with self.start(*before) as process:
            log, _ = process.communicate(timeout=60)
        self._release()
        return process.returncode, heard.result(timeout=60), log.decode("utf-8", "replace")

    def _release(self) -> None:
        """Let go a listener that an entry without a word has left waiting."""
        with suppress(OSError):
            os.close(os.open(self.events, os.O_WRONLY | os.O_NONBLOCK))


def entry_paths(control: Path, shell: Path) -> texts.EntryPaths:
    """Name what the entry finds in the folder that the containers share."""
    return texts.EntryPaths(
        events=str(control / EVENTS_NAME),
        output=str(control / OUTPUT_NAME),
        last_words=str(control / "last-words"),
        cgroup=str(control / "cgroup"),
        shells=(str(shell),),
    )


def write_scripts(
    folder: Path, plan: JobPlan, script: Script, *, control: Path, shell: Path
) -> None:
    """Write what the job's Secret holds for the build container."""
    folder.mkdir()
    contents = {
        "entry": texts.entry(
            plan,
            script,
            paths=entry_paths(control, shell),
        ),
        "step_script": texts.step_script(plan, script),
        "after_script": texts.after_script(plan, script),
    }
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")


def wait_for_file(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a script has made a file; a FIFO's open does the waiting, not a sleep."""
    with path.open("rb") as signal:
        signal.read()
    if process.poll() is not None:
        raise AssertionError(f"the build ended early: {process.returncode}")


def make_signal(path: Path) -> Path:
    """Make what a script opens for writing to say that it is there."""
    os.mkfifo(path)
    return path

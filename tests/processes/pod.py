"""A job's pod as three real processes that share folders: prepare, then build and helper.

What the build's scripts write is in the helper's log.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.planner.access import for_finish, for_hook, for_prepare
from processes.build import write_scripts
from processes.frames import read_frames

HELPER = Path(sys.executable).parent / "gitlab-ci-helper"


@dataclass
class Ended:
    """How one container ended; `report` is its termination message."""

    code: int
    log: str
    report: dict[str, Any] = field(default_factory=dict)


class Pod:
    """One pod; every container writes its log to a file, as a runtime does.

    Args:
        folder: for everything of this pod.
        plan: its `project_dir` lies in the folder, see `project_dir`.
        script: of the job.
        shell: that runs the scripts.
        helper: the command that runs the helper.
    """

    def __init__(
        self,
        folder: Path,
        plan: JobPlan,
        script: Script,
        shell: Path | None = None,
        *,
        helper: Sequence[str] = (str(HELPER),),
    ) -> None:
        self.folder = folder
        self._helper = helper
        self.control = folder / "control"
        self._shell = shell or Path(shutil.which("bash") or "/bin/sh")
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.control.mkdir()
        (folder / "hook").mkdir()
        (folder / "hook.json").write_bytes(encode(for_hook(plan)))
        (folder / "prepare.json").write_bytes(encode(for_prepare(plan)))
        (folder / "finish.json").write_bytes(encode(for_finish(plan)))
        write_scripts(folder / "scripts", plan, script, control=self.control, shell=self._shell)

    def run(self) -> tuple[Ended, Ended, Ended]:
        """Run the pod to its end: prepare, build, helper."""
        prepared = self.prepare()
        if prepared.code:
            return prepared, Ended(-1, ""), Ended(-1, "")
        self.start_build()
        self.start_helper()
        build, helper = self.end("build"), self.end("helper")
        return prepared, replace(build, log=build.log + helper.log), helper

    def prepare(self) -> Ended:
        """Run the init container."""
        self.start_prepare()
        return self.end("prepare")

    def hook(self) -> Ended:
        """Run the init container of a job with a hook."""
        self._start_helper("hook", "hook")
        return self.end("hook")

    def start_prepare(self) -> subprocess.Popen[bytes]:
        """Start the init container."""
        return self._start_helper("prepare", "prepare")

    def start_build(self) -> subprocess.Popen[bytes]:
        """Start the container with the user's image."""
        return self._start("build", [str(self._shell), str(self.folder / "scripts" / "entry")])

    def start_helper(self, *before: str) -> subprocess.Popen[bytes]:
        """Start the container that waits for the build, by way of another command if given."""
        return self._start_helper("helper", "finish", *before)

    def send(self, container: str, number: signal.Signals) -> None:
        """Send a signal to a container's process 1."""
        self._running[container].send_signal(number)

    def end(self, container: str) -> Ended:
        """Wait for a container's end."""
        code = self._running[container].wait(timeout=120)
        text = self.raw(container)
        report = self.folder / f"{container}.report"
        said = json.loads(report.read_bytes()) if report.exists() else {}
        return Ended(code, text.decode(errors="replace"), said)

    def raw(self, container: str) -> bytes:
        """Read what a container has written so far."""
        log = (self.folder / f"{container}.log").read_bytes()
        return read_frames(log) if container != "build" else log

    def _start_helper(self, name: str, command: str, *before: str) -> subprocess.Popen[bytes]:
        report = self.folder / f"{name}.report"
        plan = self.folder / f"{command}.json"
        options = ["--plan", plan, "--control", self.control, "--termination-log", report]
        options += ["--hook", self.folder / "hook"]
        return self._start(name, [*before, *self._helper, command, *map(str, options)])

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._running[name]


def project_dir(folder: Path) -> str:
    """Name the working copy of a pod."""
    return str(folder / "builds" / "group" / "project")


def _environment() -> Mapping[str, str]:
    """What a container has: next to nothing of the test's own environment."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}

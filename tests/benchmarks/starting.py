"""Times starts of the embedded stack, and warm runs next to gitlab-ci-local, for a job `true`.

    .venv/bin/python tests/benchmarks/starting.py [--runs 5] [--load 4] [--starts 20]

First start ever (nothing there, not even the stack's folder), cold start (the folder is there),
warm run (the stack runs): each from the command to its end, pipeline included. Then what the idle
stack uses of a processor. gitlab-ci-local and its Node.js are found on the PATH
(`npm install gitlab-ci-local node@24`, then `PATH=$PWD/node_modules/.bin:$PATH`). Prints a Markdown
table of medians; the processor time of all processes of the stack is in parentheses.

`--starts 20 --load 4`: only counts how many starts of 20 succeed next to four busy loops.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.tree import cpu_seconds
from gitlab_ci_provider.local.stack.lifecycle import stop_stack
from gitlab_ci_provider.local.stack.state import supervisor_pid

OURS = Path(sys.executable).with_name("gitlab-dags")
THEIRS = "gitlab-ci-local"
IDLE_SECONDS = 60
SETTLE_SECONDS = 60
"""Processes that wait for changes check less and less often, so let the stack be idle first."""


class Times(NamedTuple):
    """Of one command and, where there is one, of the stack, in seconds."""

    wall: float
    cpu: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--load", type=int, default=0, help="busy loops next to it")
    parser.add_argument("--starts", type=int, default=0, help="only count starts that succeed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, busy_loops(given.load):
        repository = make_repository(Path(folder) / "repository")
        home = Home(Path(folder) / "home")
        if given.starts:
            count_starts(home, repository, given.starts)
        else:
            compare(home, repository, given.runs)


def count_starts(home: Home, repository: Path, starts: int) -> None:
    """Start and run again and again, and print how often that went well."""
    good = 0
    for number in range(starts):
        done = run(home, repository)
        stop_stack(home)
        good += done.returncode == 0
        print(f"{number + 1}: {'passed' if done.returncode == 0 else done.stderr}", flush=True)
    print(f"{good} of {starts} starts passed")


def compare(home: Home, repository: Path, runs: int) -> None:
    """Time everything and print the table."""
    first, cold, warm = [], [], []
    for _ in range(runs):
        shutil.rmtree(home.path, ignore_errors=True)
        first.append(timed_start(home, repository))
        cold.append(timed_start(home, repository))
    run(home, repository)
    warm = [timed(lambda: run(home, repository), home) for _ in range(runs)]
    time.sleep(SETTLE_SECONDS)
    idle = idle_share(home)
    stop_stack(home)
    print("| | s (CPU) |\n| --- | --- |")
    for name, times in (("first start ever", first), ("cold start", cold), ("warm run", warm)):
        print(f"| {name} | {median(times)} |")
    if shutil.which(THEIRS):
        theirs = [timed(lambda: run_theirs(repository)) for _ in range(runs)]
        print(f"| {THEIRS} | {median(theirs)} |")
    print(f"| idle stack, share of a processor | {100 * idle:.1f} % |")


def timed_start(home: Home, repository: Path) -> Times:
    """Time a run without a stack, and stop what it has started."""
    try:
        return timed(lambda: run(home, repository), home)
    finally:
        stop_stack(home)


def timed(call: Callable[[], object], home: Home | None = None) -> Times:
    """Time a command; the stack's processor time is added, also that of a stack it has started."""
    pid = supervisor_pid(home) if home else 0
    stack, own, start = _cpu(pid), _children_cpu(), time.monotonic()
    done = call()
    wall = time.monotonic() - start
    code = getattr(done, "returncode", 0)
    if code:
        raise SystemExit(f"exit code {code}: {getattr(done, 'stderr', '')}")
    now = supervisor_pid(home) if home else 0
    before = stack if now == pid else 0.0
    return Times(wall, _children_cpu() - own + _cpu(now) - before)


def run(home: Home, repository: Path) -> subprocess.CompletedProcess[str]:
    """Run the pipeline with our command; a stack that it starts stays."""
    environment = {**os.environ, "GITLAB_DAGS_HOME": str(home.path)}
    command = [str(OURS), "run", str(repository)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def run_theirs(repository: Path) -> subprocess.CompletedProcess[str]:
    """Run the pipeline with gitlab-ci-local."""
    command = [THEIRS, "--force-shell-executor"]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


def idle_share(home: Home) -> float:
    """Measure what the stack uses of a processor while nobody wants anything."""
    before, start = _cpu(supervisor_pid(home)), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return (_cpu(supervisor_pid(home)) - before) / (time.monotonic() - start)


def _cpu(pid: int) -> float:
    return cpu_seconds(pid) if pid else 0.0


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def median(times: list[Times]) -> str:
    """Format the medians."""
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    return f"{wall:.1f} ({cpu:.1f})"


@contextmanager
def busy_loops(number: int) -> Iterator[None]:
    """Keep the machine busy."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def make_repository(path: Path) -> Path:
    """Make a repository with one job `true`."""
    path.mkdir()
    (path / ".gitlab-ci.yml").write_text("job: {script: 'true'}\n")
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@example.com", "-C", str(path)]
    remote = ["remote", "add", "origin", "git@gitlab.example.com:group/project.git"]
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["commit", "-qm", "one"],
        remote,
    ):
        subprocess.run([*git, *arguments], check=True)
    return path


if __name__ == "__main__":
    main()

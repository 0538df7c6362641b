"""Times `gitlab-dags compile --json` next to `gitlab-ci-local --list-json`, as whole processes.

    .venv/bin/python tests/benchmarks/compiling.py [--runs 3] [--jobs 10 100 1000 10000]

Both take turns on the same generated files. gitlab-ci-local and its Node.js are found on the PATH
(`npm install gitlab-ci-local node@24`, then `PATH=$PWD/node_modules/.bin:$PATH`); without them only
our times are printed. Prints a Markdown table of medians: seconds from start to end, seconds of
processor time and their ratio. Processor time is what to compare on a machine that does other
things, too.
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
from pathlib import Path
from typing import NamedTuple

GENERATOR = Path(__file__).parents[3] / "shared" / "conformance" / "perf" / "generate.py"
OURS = Path(sys.executable).with_name("gitlab-dags")
THEIRS = "gitlab-ci-local"


class Times(NamedTuple):
    """Of one process and its children, in seconds."""

    wall: float
    cpu: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, nargs="+", default=[10, 100, 1000, 10_000])
    parser.add_argument("--timeout", type=float, default=900)
    parser.add_argument("--generator", type=Path, default=GENERATOR)
    asked = parser.parse_args()
    print("| Jobs | gitlab-dags, s (CPU) | gitlab-ci-local, s (CPU) | CPU ratio |")
    print("| --- | --- | --- | --- |")
    for jobs in asked.jobs:
        with tempfile.TemporaryDirectory() as folder:
            repository(Path(folder), asked.generator, jobs)
            ours, theirs = in_turn(Path(folder), asked.runs, asked.timeout)
            ratio = f"{theirs.cpu / ours.cpu:.1f}" if ours and theirs else ""
            print(f"| {jobs:,} | {shown(ours)} | {shown(theirs)} | {ratio} |", flush=True)


def repository(folder: Path, generator: Path, jobs: int) -> None:
    """Make a git repository with a generated file; gitlab-ci-local wants one."""
    text = subprocess.run(
        [sys.executable, str(generator), str(jobs)], check=True, capture_output=True
    ).stdout
    (folder / ".gitlab-ci.yml").write_bytes(text)
    git = ("git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@example.com")
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "x")):
        subprocess.run([*git, *command], check=True)


def in_turn(folder: Path, runs: int, timeout: float) -> tuple[Times | None, Times | None]:
    """Time both in turn, one run of each before it counts."""
    ours: list[Times | None] = []
    theirs: list[Times | None] = []
    for _ in range(runs + 1):
        ours.append(one_run([str(OURS), "compile", ".", "--json"], folder, timeout))
        if shutil.which(THEIRS) and None not in theirs:
            theirs.append(one_run([THEIRS, "--list-json"], folder, timeout))
    return median(ours[1:]), median(theirs[1:])


def one_run(command: list[str], folder: Path, timeout: float) -> Times | None:
    """Time one process; None when it takes too long."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    # A development machine may forbid Python to keep its bytecode, which installations have.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    try:
        subprocess.run(
            command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=timeout,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Times(time.monotonic() - started, cpu)


def median(times: list[Times | None]) -> Times | None:
    """Take the middle of each figure; None when a run took too long, or there is none."""
    finished = [one for one in times if one]
    if not finished or len(finished) < len(times):
        return None
    walls, cpus = zip(*finished, strict=True)
    return Times(statistics.median(walls), statistics.median(cpus))


def shown(times: Times | None) -> str:
    """Write times for the table."""
    return f"{times.wall:.2f} ({times.cpu:.2f})" if times else "-"


if __name__ == "__main__":
    main()

"""Times a job that prints a lot next to the same script in front of `cat`.

    .venv/bin/python tests/benchmarks/logs.py [--lines 200000] [--runs 3] [--stay]

In turn: the script into `cat`, a job of `true` (the job's own overhead), and the job that prints.
What counts is (printing job - quiet job) / cat. In parentheses the processor time of all
processes, which tells more on a machine that has other work. Each log is compared with what was
printed, to the byte. `--stay` keeps the stack up, for a profiler. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.follow.logs import script_output
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.state import open_state

TEXT = "the quick brown fox jumps over the lazy dog and the lazy dog does not mind it at all"
SCRIPTS = {
    "a shell's loop": 'i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo "line $i {text}"; done',
    "seq": 'seq -f "line %.0f {text}" {lines}',
}


class Times(NamedTuple):
    """Seconds by the clock, and of processor time."""

    clock: float
    processor: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stay", action="store_true")
    options = parser.parse_args()
    scripts = {
        name: script.format(lines=options.lines, text=TEXT) for name, script in SCRIPTS.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.make()
        dags = {
            name: add_project(home, str(repository(Path(folder) / f"repo{number}", script))).record
            for number, (name, script) in enumerate({"quiet": "true", **scripts}.items())
        }
        with running_stack(home, StackOptions()) as state:
            api = AirflowApi(state.access)
            print("| Script | `cat`, s | quiet job, s | job, s | ratio |")
            print("| --- | --- | --- | --- | --- |")
            names = {}
            for name, record in dags.items():
                assert record is not None
                names[name] = dag_id(record.project.path)
                snapshots = open_state(home_settings(home.data)).snapshots
                api.wait_for_dag(names[name], shown=snapshots.shown(record.digest))
            for name, script in scripts.items():
                print(row(api, home, (name, script, names), options), flush=True)
            if options.stay:
                input("Enter ends it. ")


def row(
    api: AirflowApi,
    home: Home,
    what: tuple[str, str, dict[str, str]],
    options: argparse.Namespace,
) -> str:
    """Time all three in turn, one run of each before it counts."""
    name, script, dags = what
    kept: dict[str, list[Times]] = {"cat": [], "quiet": [], name: []}
    for number in range(options.runs + 1):
        measured = {"cat": into_cat(script)}
        for dag in ("quiet", name):
            before = processor_seconds(home)
            seconds, run = one_run(api, dags[dag])
            measured[dag] = Times(seconds, processor_seconds(home) - before)
        check(home.job_logs / dags[name] / run, options.lines)
        for one, times in measured.items():
            if number:
                kept[one].append(times)
    cat, quiet, job = (median(kept[one]) for one in ("cat", "quiet", name))
    ratio = Times(*((job[i] - quiet[i]) / cat[i] for i in range(2)))
    return (
        f"| {name} | "
        + " | ".join(f"{one[0]:.2f} ({one[1]:.2f})" for one in (cat, quiet, job, ratio))
        + " |"
    )


def median(times: list[Times]) -> Times:
    """Return the median of both."""
    return Times(*(statistics.median(one) for one in zip(*times, strict=True)))


def processor_seconds(home: Home) -> float:
    """Sum up what all processes of the stack have used, and those that they have waited for."""
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(home.path) in text for text in process.cmdline()):
                found |= {process, *process.children(recursive=True)}
    used = 0.0
    for process in found:
        with suppress(psutil.Error):
            used += sum(process.cpu_times()[:4])
    return used


def into_cat(script: str) -> Times:
    """Time the script as a terminal would run it, into a pipe."""
    started, before = time.monotonic(), os.times()
    subprocess.run(["bash", "-c", f"{{ {script}; }} | cat >/dev/null"], check=True)
    after = os.times()
    used = after.children_user + after.children_system
    return Times(time.monotonic() - started, used - before.children_user - before.children_system)


def one_run(api: AirflowApi, dag: str) -> tuple[float, str]:
    """Trigger a DAG and time it to its end."""
    started = time.monotonic()
    run = api.trigger(dag, {})
    while (state := api.run_state(dag, run)) not in {"success", "failed"}:
        time.sleep(0.05)
    if state == "failed":
        raise SystemExit(f"{dag} failed, which is no result")
    return time.monotonic() - started, run


def check(folder: Path, lines: int) -> None:
    """Compare the log with what was printed."""
    (log,) = folder.rglob("*.log")
    shown = [line for line in script_output(log).split(b"\n") if line.startswith(b"line ")]
    expected = [f"line {number} {TEXT}".encode() for number in range(1, lines + 1)]
    if shown != expected:
        raise SystemExit(f"{log}: {len(shown)} lines, not {lines}, or not the same")


def repository(path: Path, script: str) -> Path:
    """Make a git repository with one job."""
    path.mkdir()
    (path / ".gitlab-ci.yml").write_text(f"job:\n  script:\n    - |\n      {script}\n")
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "benchmark"]):
        subprocess.run(["git", "-C", str(path), *identity, *command], check=True)
    return path


if __name__ == "__main__":
    main()

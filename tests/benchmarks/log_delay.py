"""How long a line takes from a job's script into the log of its task, in each way of waiting.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.log_delay [--lines 300] [--kubernetes]

Each line carries the time at which the script has written it, and the files of the task's log are
read as they grow. On the embedded cluster, or on a real Kubernetes that is started for it (see
CONTRIBUTING.md); nodes elsewhere (`--kubeconfig`) must have the time of this machine. `adaptive`
leaves the job to the triggerer after half of the lines: the longest delay is that hop. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.overhead import WAYS, Place, Start, embedded, on
from clusters.real import real_cluster
from gitlab_ci_provider.local.projects import add_project

PAUSE = 0.1
PIPELINE = """
job:
  image: debian:12
  script: for i in $(seq {lines}); do echo "written $(date +%s.%N)"; sleep {pause}; done
"""
WRITTEN = re.compile(rb"written (\d+\.\d+)")
ENDS = {"success", "failed"}
LOOK_SECONDS = 0.005


def delays(place: Place, lines: int) -> list[float]:
    """Run the job; returns the seconds that each line took."""
    added = add_project(place.stack.home, place.url)
    assert added.record is not None
    dag, api = added.record.dag_id, place.stack.api
    place.stack.wait_for_dag(added.record)
    run = api.trigger(dag, {})
    logs = place.stack.home.airflow / "logs" / f"dag_id={dag}" / f"run_id={run}"
    found: dict[bytes, float] = {}
    for chunk, moment in growing(logs):
        for written in WRITTEN.findall(chunk):
            found.setdefault(written, moment - float(written))
        if api.run_state(dag, run) in ENDS if not chunk else len(found) == lines:
            break
    while (state := api.run_state(dag, run)) not in ENDS:
        time.sleep(1)
    if state == "failed" or len(found) != lines:
        raise SystemExit(f"{dag}: {state}, with {len(found)} of {lines} lines")
    return sorted(found.values())


def growing(logs: Path) -> Iterator[tuple[bytes, float]]:
    """Yield what is added to the files of a folder, with the time; nothing after a quiet second."""
    read: Counter[Path] = Counter()
    heard = time.monotonic()
    while True:
        for file in [*logs.rglob("*.log*")]:
            with file.open("rb") as stream:
                stream.seek(read[file])
                added = stream.read()
            moment = time.time()  # noqa: TID251 - a moment, which the line has, too
            whole = added[: added.rfind(b"\n") + 1]
            read[file] += len(whole)
            if whole:
                heard = time.monotonic()
                yield whole, moment
        if time.monotonic() - heard > 1:
            heard = time.monotonic()
            yield b"", heard
        time.sleep(LOOK_SECONDS)


def row(way: str, found: list[float]) -> str:
    """Show the median, the 95th percentile and the worst."""
    shown = (statistics.median(found), found[int(len(found) * 0.95)], found[-1])
    return f"| `{way}` | {' | '.join(f'{seconds:.3f}' for seconds in shown)} |"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--kubernetes", action="store_true", help="on a real Kubernetes")
    parser.add_argument("--kubeconfig", type=Path, help="on one that is there")
    given = parser.parse_args()
    pipeline = PIPELINE.format(lines=given.lines, pause=PAUSE)
    with ExitStack() as opened:
        cluster = given.kubeconfig
        if given.kubernetes:
            cluster = opened.enter_context(real_cluster()).kubeconfig
        start: Start = on(cluster, pipeline) if cluster else embedded(pipeline)
        print("| `waiting` | Median, s | 95th percentile, s | Worst, s |")
        print("| --- | --- | --- | --- |")
        for way in WAYS:
            os.environ["AIRFLOW__GITLAB_CI__WAITING"] = way
            os.environ["AIRFLOW__GITLAB_CI__DEFER_AFTER"] = str(given.lines * PAUSE / 2)
            with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as place:
                print(row(way, delays(place, given.lines)), flush=True)
    print(f"load {os.getloadavg()[1]:.0f}")


if __name__ == "__main__":
    main()

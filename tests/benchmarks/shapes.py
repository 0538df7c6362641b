"""Times pipelines on the embedded stack next to plain Airflow DAGs of the same shape.

    .venv/bin/python tests/benchmarks/shapes.py [--runs 3]

The baseline is the same shape made of PythonOperators that do nothing, on the same Airflow, in turn
with the pipelines: what Airflow itself needs. Seconds are from the trigger to the end that Airflow
records. In parentheses is the processor time of all processes of the stack, which other work for
the machine changes less. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.exceptions import AirflowApiError
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.tree import cpu_seconds
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.state import open_state

_ENDS = {"success", "failed"}
_LOOK_SECONDS = 0.25
"""Looking costs processor time, which both sides pay."""

_TAIL_SECONDS = 1
EXAMPLE = Path(__file__).parents[2] / "dags" / "examples" / "wordcount"

CHAIN = "".join(
    f"job{i}: {{script: 'true', needs: [{f'job{i - 1}' if i else ''}]}}\n" for i in range(10)
)
FAN = "".join(f"job{i}: {{script: 'true'}}\n" for i in range(30))

PLAIN = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.python import PythonOperator

def nothing():
    pass

with DAG("{name}", schedule=None) as dag:
    first = PythonOperator(task_id="first", python_callable=nothing)
    last = PythonOperator(task_id="last", python_callable=nothing)
    jobs = [PythonOperator(task_id=f"job{{i}}", python_callable=nothing) for i in range({count})]
    {wiring}
"""
WIRE_CHAIN = """
    for one, two in zip([first, *jobs], [*jobs, last]):
        one >> two
"""
WIRE_FAN = "first >> jobs >> last"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.make()
        shapes = {
            "10-job chain": (repository(folder, "chain", CHAIN), plain(home, "chain", 10)),
            "30-job fan": (repository(folder, "fan", FAN), plain(home, "fan", 30)),
            "the demo's pipeline": (example(folder), None),
        }
        added = {name: add_project(home, str(pair[0])) for name, pair in shapes.items()}
        with running_stack(home, StackOptions(runtime="process")) as state:
            api = AirflowApi(state.access)
            print(f"load {os.getloadavg()[0]:.0f}")
            print("| shape | pipeline, s (CPU) | plain Airflow, s (CPU) | ratio (CPU) |")
            print("| --- | --- | --- | --- |")
            for name, (_, baseline) in shapes.items():
                record = added[name].record
                assert record is not None
                ours = dag_id(record.project.path)
                snapshots = open_state(home_settings(home.data)).snapshots
                api.wait_for_dag(ours, shown=snapshots.shown(record.digest))
                print(row(api, state.pid, name, (ours, baseline), runs), flush=True)


def row(api: AirflowApi, stack: int, name: str, dags: tuple[str, str | None], runs: int) -> str:
    """Time both in turn, one run of each before it counts."""
    ours, baseline = dags
    samples: dict[str, list[Times]] = {dag: [] for dag in dags if dag}
    if baseline:
        unpause(api, baseline)
    for number in range(runs + 1):
        for dag, measured in samples.items():
            times = timed(api, stack, dag)
            if number:
                measured.append(times)
    own = Times.median(samples[ours])
    if not baseline:
        return f"| {name} | {own.shown()} | | |"
    floor = Times.median(samples[baseline])
    ratio = Times(own.seconds / floor.seconds, own.processor / floor.processor)
    return f"| {name} | {own.shown()} | {floor.shown()} | {ratio.shown(2)} |"


@dataclass(frozen=True)
class Times:
    """Seconds by the clock, and of processor time."""

    seconds: float
    processor: float

    @classmethod
    def median(cls, samples: Sequence[Times]) -> Times:
        """Return the medians of several runs."""
        return cls(
            statistics.median(sample.seconds for sample in samples),
            statistics.median(sample.processor for sample in samples),
        )

    def shown(self, digits: int = 1) -> str:
        """Show both."""
        return f"{self.seconds:.{digits}f} ({self.processor:.{digits}f})"


def timed(api: AirflowApi, stack: int, dag: str) -> Times:
    """Run a DAG, and add what the stack's processes have used until the workers were gone."""
    before = cpu_seconds(stack)
    seconds = one_run(api, dag)
    time.sleep(_TAIL_SECONDS)
    return Times(seconds, cpu_seconds(stack) - before)


def unpause(api: AirflowApi, dag: str) -> None:
    """Unpause a DAG, once Airflow has read it."""
    while True:
        try:
            api.request("PATCH", f"/dags/{dag}", json={"is_paused": False})
        except AirflowApiError as problem:
            if problem.status != 404:
                raise
            time.sleep(0.5)
        else:
            return


def one_run(api: AirflowApi, dag: str) -> float:
    """Trigger a DAG and time it to the end that Airflow records."""
    started = datetime.now(UTC)
    run = api.trigger(dag, {})
    while (found := api.request("GET", f"/dags/{dag}/dagRuns/{run}"))["state"] not in _ENDS:
        time.sleep(_LOOK_SECONDS)
    if found["state"] == "failed":
        raise SystemExit(f"{dag} failed, which is no result")
    return (datetime.fromisoformat(found["end_date"]) - started).total_seconds()


def repository(folder: str, name: str, config: str) -> Path:
    """Make a git repository with this `.gitlab-ci.yml`."""
    path = Path(folder) / name
    path.mkdir()
    (path / ".gitlab-ci.yml").write_text(config)
    return commit(path)


def example(folder: str) -> Path:
    """Make a git repository of the example."""
    path = Path(folder) / "wordcount"
    subprocess.run(["cp", "-R", str(EXAMPLE), str(path)], check=True)
    return commit(path)


def commit(path: Path) -> Path:
    """Commit everything below a folder."""
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "benchmark"]):
        subprocess.run(["git", "-C", str(path), *identity, *command], check=True)
    return path


def plain(home: Home, name: str, count: int) -> str:
    """Write a DAG of the same shape without us; dag files of ours are the only ones removed."""
    dag = f"plain_{name}"
    wiring = WIRE_CHAIN if name == "chain" else WIRE_FAN
    folder = home.dags / "plain"
    folder.mkdir(exist_ok=True)
    text = PLAIN.format(name=dag, count=count, wiring=wiring.strip())
    (folder / f"{dag}.py").write_text(text)
    return dag


if __name__ == "__main__":
    main()

"""What the edges of a DAG cost: between jobs of different stages, or over the ends of stages.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.edges [--jobs 500] [--stages 5]

Renders a pipeline in both ways, serializes both as the DAG processor does, and makes the edges that
Airflow's graph asks for. Prints a Markdown table; see ADR 40.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.dag_edges import dag_edges

from factories import compile_text, make_dag_record
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.renderer import edges
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.settings import load_settings


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--stages", type=int, default=5)
    given = parser.parse_args()
    stages = [f"s{number}" for number in range(given.stages)]
    text = f"stages: {stages}\n" + "".join(
        f"job{number}: {{stage: s{number % given.stages}, script: x}}\n"
        for number in range(given.jobs)
    )
    pipeline = compile_text(text)
    print(
        "| | edges | serialized, MB | render, s | serialize, s | read, s | graph, s | graph, MB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, many in (("edges", sys.maxsize), ("ends of stages", 0)):
        with _ends_of_stages_above(many):
            _row(name, pipeline)


@contextmanager
def _ends_of_stages_above(many: int) -> Iterator[None]:
    before, edges.MANY = edges.MANY, many
    try:
        yield
    finally:
        edges.MANY = before


def _row(name: str, pipeline: Pipeline) -> None:
    render_dag(make_dag_record(), pipeline, load_settings())  # the first one imports
    times = [time.process_time()]
    dag = render_dag(make_dag_record(), pipeline, load_settings())
    times.append(time.process_time())
    text = json.dumps(DagSerialization.to_dict(dag))
    times.append(time.process_time())
    stored = DagSerialization.from_dict(json.loads(text))
    times.append(time.process_time())
    drawn = json.dumps(dag_edges(stored))
    times.append(time.process_time())
    count = sum(len(task.upstream_task_ids) for task in dag.tasks)
    render, serialize, read, graph = (f"{after - before:.2f}" for before, after in pairwise(times))
    print(
        f"| {name} | {count:,} | {len(text) / 1e6:.1f} | {render} | {serialize} | {read} "
        f"| {graph} | {len(drawn) / 1e6:.1f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()

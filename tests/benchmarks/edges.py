"""What the edges of a DAG cost: between jobs of different stages, or over one gate a stage.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.edges [--jobs 1000]

Renders a pipeline of three stages as it is rendered, then with an `EmptyOperator` a stage in place
of the edges, and serializes both as the DAG processor does. Prints a Markdown table; see ADR 40.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from factories import make_dag_record, make_job, make_pipeline
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE, task_ids
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.settings import load_settings


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1000)
    given = parser.parse_args()
    stages = ("build", "test", "deploy")
    pipeline = make_pipeline(
        *(make_job(f"job{n}", stage=stages[n * 3 // given.jobs]) for n in range(given.jobs))
    )
    print("| | edges | serialized, MB | render, s | serialize, s | read, s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, make in (("edges", _edges), ("gates", _gates)):
        _row(name, make, pipeline)


def _row(name: str, make: Callable[[Pipeline], DAG], pipeline: Pipeline) -> None:
    make(pipeline)  # the first one imports
    start = time.process_time()
    dag = make(pipeline)
    rendered = time.process_time()
    text = json.dumps(DagSerialization.to_dict(dag))
    written = time.process_time()
    DagSerialization.from_dict(json.loads(text))
    read = time.process_time()
    edges = sum(len(task.upstream_task_ids) for task in dag.tasks)
    seconds = " | ".join(
        f"{after - before:.2f}"
        for before, after in ((start, rendered), (rendered, written), (written, read))
    )
    print(f"| {name} | {edges:,} | {len(text) / 1e6:.1f} | {seconds} |", flush=True)


def _edges(pipeline: Pipeline) -> DAG:
    return render_dag(make_dag_record(), pipeline, load_settings())


def _gates(pipeline: Pipeline) -> DAG:
    dag = render_dag(make_dag_record(), replace(pipeline, edges={}), load_settings())
    names = task_ids(pipeline.jobs)
    finish = dag.task_dict[FINISH_PIPELINE]
    before = dag.task_dict[CREATE_PIPELINE]
    for stage in pipeline.stages:
        gate = EmptyOperator(task_id=f"after-{stage}", trigger_rule="all_done", dag=dag)
        for job in pipeline.jobs.values():
            if job.stage == stage:
                task = dag.task_dict[names[job.name]]
                task.upstream_task_ids = {before.task_id}
                before.downstream_task_ids.add(task.task_id)
                task.downstream_task_ids = {gate.task_id}
                gate.upstream_task_ids.add(task.task_id)
        before = gate
    finish.upstream_task_ids = {before.task_id}
    before.downstream_task_ids.add(finish.task_id)
    return dag


if __name__ == "__main__":
    main()

"""All that is made of the cases, by digest: pipelines, DAGs and plans. Also a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from airflow.serialization.serialized_objects import DagSerialization

from factories import make_plan_request, make_run
from gitlab_ci_provider.exceptions import JobFailure
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import PipelineDecision
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.serialization import digest, encode
from gitlab_ci_provider.planner.downstream import plan_downstream
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from golden.cases import CASES, compile_case
from processes.airflow_scheduler import render


def outputs() -> Iterator[tuple[str, bytes]]:
    """Name what is made of the cases, with its bytes."""
    for case in CASES:
        compiled = compile_case(case)
        pipeline, decision = compiled.result.pipeline, compiled.decision
        if pipeline is None or decision is None:
            continue
        yield f"{case}: pipeline", encode(pipeline)
        yield f"{case}: DAG", _json(DagSerialization.to_dict(render(pipeline)), sort_keys=True)
        for job, plan in _plans(pipeline, decision):
            yield f"{case}: plan of {job}", plan


def _plans(pipeline: Pipeline, decision: PipelineDecision) -> Iterator[tuple[str, bytes]]:
    run = make_run(decisions=decision.jobs)
    for job in pipeline.jobs.values():
        of_job = decision.jobs[job.name]
        if of_job.present:
            yield job.name, _plan(make_plan_request(job, run, pipeline=pipeline, decision=of_job))


def _plan(request: PlanRequest) -> bytes:
    try:
        if request.job.bridge:
            return encode(plan_downstream(request, request.job.bridge))
        planned = plan_job(request)
    except JobFailure as problem:
        return str(problem).encode()
    pod = PodRequest(
        name="pod",
        image=planned.image,
        profile=RunnerProfile(helper_image="helper"),
        deadline=1,
        labels={},
        annotations={},
    )
    return _json([planned.secret, build_pod(pod).to_dict()])


def _json(value: object, *, sort_keys: bool = False) -> bytes:
    """Write JSON; keys are sorted only where Airflow does so before it compares."""
    return json.dumps(value, default=str, sort_keys=sort_keys).encode()


def digests() -> dict[str, Any]:
    """Name each output by its digest, with a sign of the process's hash seed."""
    found = {name: digest(data) for name, data in outputs()}
    return {"seed": hash("seed"), "outputs": found}


if __name__ == "__main__":
    json.dump(digests(), sys.stdout)

"""All that a configuration can change: its errors, decisions, DAG and plans, and how jobs end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow.serialization.serialized_objects import DagSerialization

from factories import MemoryFiles, make_context, make_plan_request, make_run, make_variables
from gitlab_ci_provider.compiler.child import compile_child
from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.config.includes.fetcher import ProjectFiles
from gitlab_ci_provider.exceptions import ConfigError, FailureReason, JobFailure
from gitlab_ci_provider.model.diagnostic import Severity
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import JobDecision, PipelineDecision
from gitlab_ci_provider.model.run import JobResult, JobStatus, PipelineRun
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.variables import ConfiguredVariables
from gitlab_ci_provider.planner.artifacts import wanted_artifacts
from gitlab_ci_provider.planner.downstream import plan_downstream
from gitlab_ci_provider.planner.plan import plan_job
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.planner.resource_group import resource_groups
from gitlab_ci_provider.planner.secrets import wanted_secrets
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.rules.evaluate import decide_pipeline
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.manual.question import form, has_questions
from gitlab_ci_provider.schedule.auto_cancel import settle
from gitlab_ci_provider.schedule.bridge import inherited
from gitlab_ci_provider.schedule.order import predecessors
from gitlab_ci_provider.schedule.pipeline_result import PipelineResult, PipelineStatus
from gitlab_ci_provider.schedule.retry import should_retry
from processes.airflow_scheduler import render

CONTEXT = make_context(
    variables=make_variables(GIVEN="1"),
    changed_paths=("a.txt",),
    tree_paths=("a.txt", "b/c.txt"),
    compared={"old": ("b/c.txt",)},
    other_trees={"group/other@": ("x",), "group/other@v1": ("y",)},
)
LOG = b"took 1 s\ncoverage: 12 %\n"
REASONS = (FailureReason.SCRIPT_FAILURE, FailureReason.API_FAILURE)

_INCLUDED = "j1: {script: [x], variables: {FROM: %s}}"
_WITH_INPUTS = "spec: {inputs: {a: {default: '0'}}}\n---\nj1: {script: ['$[[ inputs.a ]]']}"

FILES = {
    "one.yml": _INCLUDED % "one",
    "two.yml": _INCLUDED % "two",
    "inputs.yml": _WITH_INPUTS,
    "a.txt": "a",
    "b/c.txt": "c",
    "spec.yml": "inputs: {a: {default: '1'}}",
}


class Elsewhere:
    """Another project, an address and two templates."""

    def project(self, path: str, ref: str | None) -> ProjectFiles | None:
        """Return the other project, which differs by ref."""
        word = f"{path}-{ref}".replace("/", "-")
        component = "spec: {component: [version]}\n---\n" + _INCLUDED % "$[[ component.version ]]"
        files = {"ci.yml": _INCLUDED % word, "more.yml": "j2: {script: [x]}"}
        files["templates/tool.yml"] = component
        return ProjectFiles(MemoryFiles(files), sha="c" * 40, version=ref or "")

    def remote(self, url: str) -> bytes:
        """Return a file that names its address."""
        return (_INCLUDED % url.rpartition("/")[2]).encode()

    def template(self, name: str) -> bytes | None:
        """Return a file that names its template."""
        return (_INCLUDED % name.partition(".")[0]).encode()


def compiled(text: str, context: Mapping[str, Any]) -> CompileResult:
    """Compile a file next to the usual ones."""
    files = MemoryFiles({**FILES, ".gitlab-ci.yml": text})
    return compile_pipeline(files, make_context(**_given(context)), elsewhere=Elsewhere())


def _given(context: Mapping[str, Any]) -> dict[str, Any]:
    usual = ("variables", "changed_paths", "tree_paths", "compared", "other_trees")
    return {**{name: getattr(CONTEXT, name) for name in usual}, **context}


def effects(text: str, context: Mapping[str, Any], digests: Mapping[str, str]) -> object:
    """Tell all that a file changes.

    Of what only people read, it tells the run form and the names of exposed artifacts. `digests`
    are of the files of cache keys.
    """
    result = compiled(text, context)
    errors = [one.message for one in result.diagnostics if one.severity is Severity.ERROR]
    if result.pipeline is None:
        return errors
    pipeline = result.pipeline
    decision = decide_pipeline(pipeline, make_context(**_given(context)))
    run = make_run(
        decisions=decision.jobs,
        variables=CONTEXT.variables,
        workflow_variables=decision.variables,
        name=decision.name,
        file_keys=digests,
    )
    return {
        "dag": _dag(pipeline),
        "pipeline": _pipeline(pipeline, decision),
        "jobs": {
            name: _job(pipeline, run, one)
            for name, one in decision.jobs.items()
            if decision.created and one.present
        },
    }


def _dag(pipeline: Pipeline) -> str:
    rendered = DagSerialization.to_dict(render(pipeline))
    return json.dumps(rendered, sort_keys=True, default=str)


def _pipeline(pipeline: Pipeline, decision: PipelineDecision) -> object:
    cancels = settle(pipeline.workflow.auto_cancel, decision.auto_cancel)
    return (decision.created, decision.name, decision.errors, cancels)


def _job(pipeline: Pipeline, run: PipelineRun, decision: JobDecision) -> object:
    job = pipeline.jobs[decision.job]
    request = make_plan_request(job, run=run, pipeline=pipeline, decision=decision)
    before = predecessors(job.name, pipeline, run.decisions)
    return {
        "starts": (decision.when, decision.start_in, before, job.needs is None),
        "failure": [decision.allow_failure.allows(code) for code in (None, 1, 2)],
        "canceled": decision.interruptible,
        "artifacts": wanted_artifacts(job, decision, before),
        "exposed": job.artifacts.expose_as if job.artifacts else None,
        "cross": [one for one in job.cross_needs if one.job and one.artifacts],
        "retries": [_retried(job, reason, code) for reason in REASONS for code in (1, 2)],
        "coverage": _coverage(job),
        "play": (has_questions(job), [one.serialize() for one in form(job).values()]),
        "group": resource_groups(run, pipeline, ConfiguredVariables()).get(job.name),
        "plan": _downstream(request) if job.bridge else _planned(request),
    }


def _retried(job: Job, reason: FailureReason, code: int) -> list[bool]:
    result = JobResult(status=JobStatus.FAILED, failure_reason=reason, exit_code=code)
    return [should_retry(job.retry, result, failed) for failed in (1, 2, 3)]


def _coverage(job: Job) -> float | None:
    scan = CoverageScan(job.coverage)
    scan.see(LOG)
    return scan.value


def _planned(request: PlanRequest) -> object:
    try:
        planned = plan_job(request)
    except JobFailure as problem:
        return str(problem)
    pod = PodRequest(
        name="pod",
        image=planned.image,
        profile=RunnerProfile(helper_image="helper"),
        deadline=1,
        services=planned.services,
        labels={},
        annotations={},
    )
    spec = build_pod(pod).spec
    hosts = [alias.to_dict() for alias in spec.host_aliases or ()]
    containers = [one.to_dict() for one in (*spec.init_containers, spec.containers[0])]
    asked = wanted_secrets(request.job, request.variables)
    return (containers, hosts, planned.secret, planned.environment, planned.release, asked)


def _downstream(request: PlanRequest) -> object:
    bridge = request.job.bridge
    if bridge is None:
        return None
    plan = plan_downstream(request, bridge)
    ends = [inherited(bridge.strategy, PipelineResult(status=one)) for one in PipelineStatus]
    files, context = MemoryFiles(FILES), make_context(variables=plan.variables)
    child: object = None
    if bridge.includes:
        try:
            made = compile_child(
                bridge, files, context, name="b", elsewhere=Elsewhere(),
                read_artifact=lambda job, path: (_INCLUDED % f"{job}-{path}").encode(),
            )  # fmt: skip
        except ConfigError as problem:
            return str(problem)
        child = (made.pipeline, [one.message for one in made.diagnostics])
    return (plan, ends, child, bridge.inputs, bridge.mirrored_pipeline)

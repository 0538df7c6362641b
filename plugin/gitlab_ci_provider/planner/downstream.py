"""From a `trigger:` job to what it passes to the pipeline that it creates.

Source: GitLab's `Ci::Bridge`, `Ci::CreateDownstreamPipelineService` and
`Gitlab::Ci::Variables::Downstream::Generator`.

Unlike GitLab, a masked or file variable inside a forwarded one is passed on by its name, because
the conf of a run is readable in Airflow's database. A child pipeline has the same project's
variables and sees no difference; another project needs a variable of that name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.bridge import Ancestor, Bridge
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.variables.expand import expand_known, expand_on_server
from gitlab_ci_provider.variables.precedence import yaml_variables

MAX_NESTED_CHILDREN = 2
"""Levels of child pipelines below a pipeline that is not a child."""

_MAX_REPEATS = 2
"""How often a pipeline of one project, ref and source may be among its own ancestors."""

_OF_THE_JOB = (
    "CI_JOB_ID",
    "CI_JOB_URL",
    "CI_JOB_TOKEN",
    "CI_JOB_STARTED_AT",
    "CI_JOB_TIMEOUT",
    "CI_BUILDS_DIR",
    "CI_PROJECT_DIR",
    "CI_REGISTRY_USER",
    "CI_REGISTRY_PASSWORD",
    "CI_REPOSITORY_URL",
    "CI_DEPLOY_USER",
    "CI_DEPLOY_PASSWORD",
    "CI_RUNNER_EXECUTABLE_ARCH",
)
"""GitLab's job-level persisted variables: bridges lack them, as they never run."""

_NAME = re.compile(r"(?:\$\{?|%)(\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamPlan:
    """What the new pipeline is for.

    Attributes:
        project: path of another project; empty for a child pipeline.
        ref: of the other project; empty for its default branch.
        job_id: CI_JOB_ID of the bridge.
    """

    project: str
    ref: str
    variables: Variables
    job_id: str = ""


def plan_downstream(request: PlanRequest, bridge: Bridge) -> DownstreamPlan:
    """Expand what the job says, and gather the variables that it forwards."""
    environment = request.variables
    known = Variables(variable for variable in environment if variable.name not in _OF_THE_JOB)
    return DownstreamPlan(
        project=expand_on_server(bridge.project or "", known),
        ref=expand_on_server(bridge.branch or "", known),
        variables=_forwarded(request, bridge, known),
        job_id=environment.get("CI_JOB_ID"),
    )


def _forwarded(request: PlanRequest, bridge: Bridge, known: Variables) -> Variables:
    """Merge what is forwarded: the file's, dotenv and the pipeline's variables."""
    written = Variables()
    if bridge.forward_yaml_variables:
        run = request.run
        written = yaml_variables(
            request.job, request.pipeline.variables, run.workflow_variables, request.decision
        )
    given = Variables()
    if bridge.forward_pipeline_variables:
        given = request.dotenv | request.run.variables
    secrets = _secrets(known)
    return Variables(_handed_on(variable, known, secrets) for variable in written | given)


def _secrets(known: Variables) -> frozenset[str]:
    """Name the variables that contain a secret: masked ones, files, and those made of them."""
    values = known.masked_values
    return frozenset(
        variable.name
        for variable in known
        if variable.masked or variable.file or any(value in variable.value for value in values)
    )


def _handed_on(variable: Variable, known: Variables, secrets: frozenset[str]) -> Variable:
    """Expand one variable except for secrets, which stay names to be expanded downstream."""
    value = variable.value
    if variable.expand and not variable.file:
        if secrets & set(_NAME.findall(value)):
            plain = {name: text for name, text in known.as_dict().items() if name not in secrets}
            value = expand_known(value, plain)
        else:
            value = expand_on_server(value, known)
    return Variable(name=variable.name, value=value, expand=variable.expand, file=variable.file)


def ancestor(run: PipelineRun) -> Ancestor:
    """Describe a pipeline to those below it."""
    return Ancestor(
        project=run.project.path,
        ref=run.ref.name,
        source=run.source,
        pipeline=run.id,
        dag=run.dag_id,
        run=run.run_id,
        child=run.source == "parent_pipeline",
        project_id=run.project.id,
    )


def check_lineage(lineage: tuple[Ancestor, ...], project: str) -> None:
    """Refuse what GitLab refuses: too many levels of children, and loops of projects.

    `lineage` ends with the bridge's pipeline; `project` is empty for a child pipeline.

    Raises:
        SystemFailure: with GitLab's failure reason.
    """
    if not project:
        _check_depth(lineage)
        return
    if project == lineage[-1].project:
        message = f"`trigger:project` names its own project {project}; use `trigger:include`"
        raise SystemFailure(message, reason=FailureReason.INVALID_BRIDGE_TRIGGER)
    repeated = Counter(
        (pipeline.project, pipeline.ref, pipeline.source)
        for pipeline in lineage
        if not pipeline.child
    )
    if max(repeated.values(), default=0) > _MAX_REPEATS:
        listed = " > ".join(pipeline.project for pipeline in lineage)
        message = f"the pipelines trigger each other in a loop: {listed} > {project}"
        raise SystemFailure(message, reason=FailureReason.PIPELINE_LOOP_DETECTED)


def _check_depth(lineage: tuple[Ancestor, ...]) -> None:
    depth = 0
    for pipeline in reversed(lineage):
        if not pipeline.child:
            break
        depth += 1
    if depth >= MAX_NESTED_CHILDREN:
        message = f"child pipelines can be nested at most {MAX_NESTED_CHILDREN} levels deep"
        raise SystemFailure(message, reason=FailureReason.REACHED_MAX_DESCENDANT_PIPELINES_DEPTH)

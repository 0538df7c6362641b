"""The runner that takes a job: chosen when the job starts, and what follows from it."""

from __future__ import annotations

from dataclasses import replace

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from gitlab_ci_provider.hooks.kubernetes import identify
from gitlab_ci_provider.hooks.runners import load_runners
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.runners.choice import Wanted, choose
from gitlab_ci_provider.runners.overrides import JobVariables, Say
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.variables.expand import expand
from gitlab_ci_provider.variables.masking import Masker


def chosen_runner(settings: Settings, request: PlanRequest) -> RunnerProfile:
    """Choose the runner of a job.

    Raises:
        SystemFailure: no runner takes it, or the runners have errors.
    """
    wanted = Wanted(
        tags=tuple(expand(tag, request.variables) for tag in request.job.tags),
        protected=request.run.ref.protected,
        project=request.run.project.path,
    )
    return choose(load_runners(settings), wanted)


def job_variables(request: PlanRequest, masker: Masker, note: Say, warn: Say) -> JobVariables:
    """Return the variables with which a job may change its runner."""
    values = {variable.name: variable.value for variable in request.variables}
    return JobVariables(values, lambda text: masker.text(text) != text, note, warn)


def for_runner(request: PlanRequest, runner: RunnerProfile) -> PlanRequest:
    """Return the request with what the runner says about jobs that do not say it themselves."""
    limits = replace(
        request.limits,
        default_image=runner.image or request.limits.default_image,
        start_timeout=runner.start_timeout or request.limits.start_timeout,
    )
    return replace(request, limits=limits)


def use_cluster(
    operator: KubernetesPodOperator, runner: RunnerProfile, token: str, outage: float
) -> None:
    """Have the task use the runner's cluster and namespace; before it connects.

    Args:
        operator: of the task.
        runner: of the job.
        token: the job's own, if it has one; empty for the connection's.
        outage: how many seconds without an answer are tolerated.
    """
    if runner.connection:
        operator.kubernetes_conn_id = runner.connection
    operator.namespace = runner.namespace or None
    if token:
        identify(operator.client, token, outage)

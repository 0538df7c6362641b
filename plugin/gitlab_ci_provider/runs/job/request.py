"""What the plan of a job with a pod is made from: with its environment and its secrets.

Few jobs have either, so their modules are imported for those that do.
"""

from __future__ import annotations

from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.plan_request import plan_request
from gitlab_ci_provider.runs.task.task_run import TaskRun, task_request


def job_request(run: JobRun, *, has_pod: bool) -> PlanRequest:
    """Gather what the plan of a job is made from.

    Args:
        run: of the job.
        has_pod: the job runs already, and another worker goes on with it.

    Raises:
        SystemFailure: a secret cannot be had.
    """
    if isinstance(run, TaskRun):
        return task_request(run)
    request = plan_request(run, has_pod=has_pod)
    if request.job.environment is not None:
        from gitlab_ci_provider.runs.job.deployment import with_environment

        request = with_environment(run, request)
    if "secrets" in request.job.as_written:
        from gitlab_ci_provider.runs.job.secrets import with_secrets

        request = with_secrets(request, run.settings, has_pod=has_pod)
    return request

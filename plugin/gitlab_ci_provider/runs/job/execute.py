"""One try of a job with a pod, from its turn in the resource group to its report to Airflow."""

from __future__ import annotations

import logging
from functools import partial

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowTaskTimeout

from gitlab_ci_provider.airflow_internals.pod_operator import was_killed
from gitlab_ci_provider.airflow_internals.tasks import catch_up
from gitlab_ci_provider.exceptions import (
    GitlabCiError,
    JobFailure,
    SystemFailure,
)
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.runs.cancel.auto import cancel_rest
from gitlab_ci_provider.runs.cancel.jobs import meet
from gitlab_ci_provider.runs.job import end as job_end
from gitlab_ci_provider.runs.job import told_to_end
from gitlab_ci_provider.runs.job.end import Settled
from gitlab_ci_provider.runs.job.handover import Handover
from gitlab_ci_provider.runs.job.pod_run import JobPod
from gitlab_ci_provider.runs.job.shift import out_of_time, still_runs
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import push_result
from gitlab_ci_provider.runs.report.run import tell_end, told_start
from gitlab_ci_provider.runs.resource_group import turn
from gitlab_ci_provider.runs.task_errors import TaskFailed, TaskFailedForNow

_log = logging.getLogger(__name__)


def run_pod(
    operator: KubernetesPodOperator, run: JobRun, handed: Handover | None = None
) -> JobResult:
    """Run the pod; record how the job ended and leave no pod, unless the next try goes on with it.

    Args:
        operator: of the task.
        run: of the job.
        handed: by the triggerer, which has followed the pod.

    Raises:
        TaskFailed: the job has failed or was canceled.
        TaskFailedForNow: Airflow is to try it again.
        TaskDeferred: it is not the job's turn in its resource group, or the triggerer follows the
            pod from here.
    """
    told_to_end.begin(partial(still_runs, run))
    settled = job_end.earlier_end(run)
    if settled is not None:
        _log.info("the job had ended when its worker was lost: telling its end again")
    else:
        settled = _settle(operator, run, handed)
        _report(run, settled)
    _tell(run, settled)
    return settled.result


def fail(run: JobRun, failure: JobFailure) -> None:
    """End a job that could not start."""
    settled = job_end.failed(run, failure)
    _report(run, settled)
    _tell(run, settled)


def _report(run: JobRun, settled: Settled) -> None:
    """Tell GitLab how the job has ended, once: what a worker that dies leaves, the end tells."""
    if not settled.again:
        tell_end(run, settled.result)


def _tell(run: JobRun, settled: Settled) -> None:
    """Tell Airflow how the job has ended."""
    push_result(run, settled.result)
    if settled.result.status == JobStatus.SUCCESS:
        meet(run)
        return
    if settled.again:
        raise TaskFailedForNow(settled.message)
    if settled.result.status == JobStatus.FAILED and not settled.result.allowed_failure:
        cancel_rest(run)
    raise TaskFailed(settled.message)


def _settle(operator: KubernetesPodOperator, run: JobRun, handed: Handover | None) -> Settled:
    """Have the job end, in its turn."""
    try:
        taken = handed is not None
        with turn.holding(run, taken=taken), told_start(run, first=not taken):
            pod = JobPod(operator, run, handed)
            settled = _ended(operator, run, pod)
            if not settled.goes_on:
                pod.remove()  # only now: what ended is remembered
            return settled
    except JobFailure as problem:  # the resource group is out of reach
        return job_end.failed(run, problem)


def _ended(operator: KubernetesPodOperator, run: JobRun, pod: JobPod) -> Settled:
    try:
        return job_end.succeeded(run, pod.run())
    except told_to_end.WorkerEnds:
        catch_up()
        return job_end.left(run)
    except AirflowTaskTimeout:
        catch_up()
        return job_end.failed(run, out_of_time(operator))
    except GitlabCiError as problem:
        failure = problem if isinstance(problem, JobFailure) else SystemFailure(str(problem))
        return _canceled(operator, run) or job_end.failed(run, failure)
    except Exception as problem:  # noqa: BLE001 - it is settled, and told
        _log.exception("the task of '%s' has failed", run.job.name)
        return _canceled(operator, run) or job_end.crashed(run, problem)


def _canceled(operator: KubernetesPodOperator, run: JobRun) -> Settled | None:
    """Settle the job as canceled when that is why the pod is gone.

    Airflow stops a task that a person has ended only with its next heartbeat. In the meantime the
    end of the pipeline may delete the pod, and Airflow refuse what the task asks for.
    """
    settled = job_end.obeyed(run)
    if settled is None and (was_killed(operator) or not still_runs(run)):
        return job_end.stopped(run)
    return settled

"""The objects of a job, as an operator makes them."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

from kubernetes import client

from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.plan import JobPlan, PlanVariable
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.planner import script as texts
from gitlab_ci_provider.planner.access import for_finish, for_prepare
from gitlab_ci_provider.pods.pod import PodRequest, build_pod, build_secret
from gitlab_ci_provider.runs.job.objects import LIFE
from gitlab_ci_provider.runs.job.pod_worker import PodWorker
from gitlab_ci_provider.runs.job.services import JobServices
from gitlab_ci_provider.runs.job.shift import first_shift
from integration.cluster.support import HELPER_IMAGE

NO_SERVICES = JobServices()


def job_objects(
    name: str, namespace: str, script: Script, **masked: str
) -> tuple[client.V1Pod, client.V1Secret]:
    """Make the pod of a job, with the labels of a task, and its Secret."""
    variables = tuple(
        PlanVariable(name=key, value=value, masked=True) for key, value in masked.items()
    )
    plan = JobPlan(job=name, project_dir="/builds/group/project", variables=variables)
    request = PodRequest(
        name=name,
        image=Image(name="debian:12"),
        profile=RunnerProfile(helper_image=HELPER_IMAGE, namespace=namespace),
        deadline=600,
        labels={LIFE: "1"},
        annotations={},
    )
    secret = {
        "prepare.json": encode(for_prepare(plan)).decode(),
        "finish.json": encode(for_finish(plan)).decode(),
        "entry": texts.entry(plan, script),
        "step_script": texts.step_script(plan, script),
        "after_script": texts.after_script(plan, script),
    }
    pod = build_pod(request)
    pod.metadata.labels |= {"dag_id": "d", "task_id": name, "run_id": "r"}
    return pod, build_secret(request, secret)


def pod_worker(
    log: logging.Logger | Any,
    patience: float = 300,
    *,
    core: client.CoreV1Api | None = None,
    services: JobServices = NO_SERVICES,
) -> PodWorker:
    """Make what follows a job's pod to its end, of a task without an Airflow.

    Args:
        log: of the task.
        patience: seconds for which the pod may take to start.
        core: of the cluster, for what the task does besides.
        services: of the job.
    """
    settings: Any = SimpleNamespace(image_pull_grace=0, job_logs_folder="", waiting="worker")
    run: Any = SimpleNamespace(context={}, job=SimpleNamespace(coverage=None), settings=settings)
    operator: Any = SimpleNamespace(client=core, log=log, execution_timeout=None)
    return PodWorker(
        operator=operator,
        run=run,
        shift=first_shift(operator, settings),
        start_timeout=patience,
        services=services,
    )

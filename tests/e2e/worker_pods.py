"""Workers of Airflow's KubernetesExecutor as pods, in a namespace next to that of their jobs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kubernetes import client, config

from clusters.added_images import PYTHON, add_airflow
from clusters.target import Target
from e2e.place import ACCOUNT, jobs_namespace, kubeconfig_of, takes_pods
from gitlab_ci_provider.local.airflow.config import HELPER_IMAGE
from processes.waiting import wait_until

_WORKER = "airflow-worker"
_NOT_FOR_WORKERS = (
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
)
_HOME = {
    "AIRFLOW_HOME": "/airflow",
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__GITLAB_CI__HOME": "/airflow/home",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": "/airflow/bundles",
}
"""On the disk of a worker's container, which is empty when it starts and goes with it."""


def why_not(target: Target) -> str:
    """Say why a cluster cannot run workers of these tests; empty if it can."""
    if target.images is None:
        return "gives the cluster an image, which only --kubernetes takes"
    if sys.version_info[:2] != PYTHON:
        return f"its image has Python {'.'.join(map(str, PYTHON))}, other than this machine"
    return ""


@dataclass(frozen=True)
class WorkerPods:
    """Two namespaces of a cluster: of the workers, and of the jobs that they start."""

    target: Target
    core: client.CoreV1Api
    jobs: str

    @property
    def workers(self) -> str:
        """The namespace of the workers."""
        return f"{self.jobs}-airflow"

    def options(self, folder: Path, options: Mapping[str, str]) -> Mapping[str, str]:
        """Give workers what Airflow's other parts have; returns what those need to start them."""
        template, account = folder / "worker.json", folder / "account"
        template.write_text(json.dumps(self._template()))
        account.write_text(
            kubeconfig_of(self.target.kubeconfig, self.core.api_client, (self.jobs, ACCOUNT))
        )
        images = {
            "AIRFLOW__GITLAB_CI__HELPER_IMAGE": HELPER_IMAGE,
            "AIRFLOW__GITLAB_CI__DEFAULT_IMAGE": "debian:12",
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        }
        theirs = {**_for_workers(options), **images, **self._connection(in_cluster=True)}
        secret = {"metadata": {"name": _WORKER}, "stringData": {**theirs, **_HOME}}
        self.core.create_namespaced_secret(self.workers, secret)
        return {
            **images,
            **self._connection(kube_config_path=str(account)),
            "AIRFLOW__CORE__EXECUTOR": "KubernetesExecutor",
            "AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE": self.workers,
            "AIRFLOW__KUBERNETES_EXECUTOR__IN_CLUSTER": "False",
            "AIRFLOW__KUBERNETES_EXECUTOR__CONFIG_FILE": str(self.target.kubeconfig),
            "AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE": str(template),
            "AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_REPOSITORY": "registry.test/airflow",
            "AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_TAG": "1",
        }

    def _connection(self, **extra: object) -> Mapping[str, str]:
        there = {"conn_type": "kubernetes", "extra": {**extra, "namespace": self.jobs}}
        return {"AIRFLOW_CONN_GITLAB_CI_KUBERNETES": json.dumps(there)}

    def _template(self) -> Mapping[str, object]:
        """Describe a worker's pod, which has nothing but its image and its settings."""
        server = urlsplit(self.core.api_client.configuration.host)
        # Without kube-proxy, the address that pods are given for the API server leads nowhere.
        place = {"KUBERNETES_SERVICE_HOST": server.hostname, "KUBERNETES_SERVICE_PORT": server.port}
        container = {
            "name": "base",
            "image": "set-by-airflow",
            "env": [{"name": name, "value": str(value)} for name, value in place.items()],
            "envFrom": [{"secretRef": {"name": _WORKER}}],
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "set-by-airflow"},
            "spec": {
                "serviceAccountName": _WORKER,
                "restartPolicy": "Never",
                "containers": [container],
            },
        }


def _for_workers(options: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in options.items()
        if name.startswith("AIRFLOW_") and name not in _NOT_FOR_WORKERS
    }


@contextmanager
def worker_pods(target: Target, name: str) -> Iterator[WorkerPods]:
    """Make the namespaces, and the image of workers.

    Jobs have the namespace of `docker/kubernetes/`; the account of the workers may there what its
    Role says.
    """
    assert target.images
    add_airflow(target.images)
    api = config.new_client_from_config(str(target.kubeconfig))
    with jobs_namespace(api, name):
        made = WorkerPods(target, client.CoreV1Api(api), name)
        made.core.create_namespace({"metadata": {"name": made.workers}})
        try:
            made.core.create_namespaced_service_account(
                made.workers, {"metadata": {"name": _WORKER}}
            )
            _bind(api, made)
            wait_until(lambda: takes_pods(made.core, made.workers, _WORKER), made.workers)
            yield made
        finally:
            made.core.delete_namespace(made.workers)


def _bind(api: client.ApiClient, made: WorkerPods) -> None:
    """Give the workers the Role of `docker/kubernetes/rbac.yaml`."""
    account = {"kind": "ServiceAccount", "name": _WORKER, "namespace": made.workers}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
    binding = {"metadata": {"name": _WORKER}, "subjects": [account], "roleRef": role}
    client.RbacAuthorizationV1Api(api).create_namespaced_role_binding(made.jobs, binding)

"""The connection to Kubernetes for what is not one task's own pod."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk.exceptions import AirflowException
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import GitlabCiError, SettingsError

UNREACHABLE = (ApiException, HTTPError, ConfigException, GitlabCiError)
"""What is raised when Kubernetes refuses, is not there, or what it has is of no use."""

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def connect(conn_id: str, namespace: str) -> tuple[k8s.CoreV1Api, str]:
    """Connect, and choose the namespace as Airflow's pod operator does.

    Args:
        conn_id: the Airflow connection.
        namespace: empty leaves it to the connection, then to the pod that Airflow itself runs in.

    Raises:
        SettingsError: the connection is missing or wrong.
    """
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

    hook = KubernetesHook(conn_id=conn_id)
    try:
        client = hook.core_v1_client
    except AirflowException as problem:
        raise SettingsError(f"the Airflow connection {conn_id}: {problem}") from problem
    own = _SERVICE_ACCOUNT.read_text().strip() if _SERVICE_ACCOUNT.exists() else ""
    return client, namespace or hook.get_namespace() or own or "default"

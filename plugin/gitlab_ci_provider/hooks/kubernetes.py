"""The connection to Kubernetes; a task waits for it through outages.

Needs: a connection of type `kubernetes`, with a kubeconfig or in-cluster configuration, and
optionally a namespace.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from airflow.sdk.exceptions import AirflowException
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from gitlab_ci_provider.exceptions import GitlabCiError, SettingsError
from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.settings import Settings

UNREACHABLE = (ApiException, HTTPError, ConfigException, GitlabCiError)
"""Raised when Kubernetes refuses, cannot be reached, or returns something unusable."""

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CONFIG_SECONDS = 30
"""How long a kubeconfig may be missing: an embedded cluster writes it again when it restarts."""

_log = logging.getLogger(__name__)


def connect(settings: Settings) -> tuple[k8s.CoreV1Api, str]:
    """Connect, and choose the namespace as Airflow's pod operator does.

    Raises:
        SettingsError: the connection is missing or wrong.
    """
    conn_id, outage = settings.kubernetes_conn_id, settings.kubernetes_outage
    return connect_to(conn_id, settings.namespace, outage)


def connect_to(conn_id: str, namespace: str, outage: float) -> tuple[k8s.CoreV1Api, str]:
    """Connect with an Airflow connection.

    Args:
        conn_id: its name.
        namespace: empty leaves it to the connection, then to the pod that Airflow itself runs in.
        outage: how many seconds without an answer are tolerated.

    Raises:
        SettingsError: the connection is missing or wrong.
    """
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

    hook = KubernetesHook(conn_id=conn_id)
    client = patient(client_of(hook, min(outage, _CONFIG_SECONDS)), outage, _log)
    own = _SERVICE_ACCOUNT.read_text().strip() if _SERVICE_ACCOUNT.exists() else ""
    return client, namespace or hook.get_namespace() or own or "default"


def client_of(hook: Any, config_seconds: float = _CONFIG_SECONDS) -> k8s.CoreV1Api:
    """Make the client of a hook.

    Raises:
        SettingsError: the connection is missing or wrong, or there is still no usable kubeconfig.
    """
    end = time.monotonic() + config_seconds
    while True:
        try:
            return hook.core_v1_client
        except (AirflowException, ConfigException) as problem:
            if isinstance(problem, AirflowException) or time.monotonic() >= end:
                raise unusable(hook.conn_id, problem) from problem
        time.sleep(1)


def unusable(conn_id: str, problem: Exception) -> SettingsError:
    """Say why a connection cannot be used; clients of Kubernetes do not name a missing file."""
    is_file = not isinstance(problem, AirflowException)
    why = "its kubeconfig is missing or not usable: " * is_file
    return SettingsError(f"the Airflow connection {conn_id}: {why}{problem}")


def identify(client: k8s.CoreV1Api, token: str, outage: float) -> None:
    """Have a client identify itself with a token, and with nothing else."""
    found = client.api_client.configuration
    found.api_key = {"authorization": f"Bearer {token}"}
    found.refresh_api_key_hook = None  # it would put the service account's token back
    found.cert_file = found.key_file = None
    patient(client, outage, _log)

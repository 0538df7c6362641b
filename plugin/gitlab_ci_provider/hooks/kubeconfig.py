"""A Kubernetes client from a kubeconfig, for commands: they have no Airflow connection."""

from __future__ import annotations

import logging

from kubernetes import client as k8s
from kubernetes import config
from kubernetes.config import ConfigException

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.outages import patient

_OUTAGE_SECONDS = 30

_log = logging.getLogger(__name__)


def client_from(kubeconfig: str | None, context: str | None = None) -> k8s.CoreV1Api:
    """Make a client.

    Args:
        kubeconfig: a file; None for $KUBECONFIG, ~/.kube/config or the pod that this runs in.
        context: of the file; None for its current one.

    Raises:
        SettingsError: there is no usable kubeconfig.
    """
    try:
        api = config.new_client_from_config(kubeconfig, context)
    except (ConfigException, OSError) as problem:
        if kubeconfig or context:
            raise SettingsError(f"the kubeconfig cannot be used: {problem}") from problem
        api = _in_cluster(problem)
    return patient(k8s.CoreV1Api(api), _OUTAGE_SECONDS, _log)


def _in_cluster(before: Exception) -> k8s.ApiClient:
    configuration = k8s.Configuration()
    try:
        config.load_incluster_config(configuration)
    except ConfigException as problem:
        raise SettingsError(f"no kubeconfig: {before}; give one with --kubeconfig") from problem
    return k8s.ApiClient(configuration)

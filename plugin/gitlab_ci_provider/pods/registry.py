"""Logins of registries that a job brings along: DOCKER_AUTH_CONFIG, as a pull secret of its pod.

Unlike GitLab, whose runner also uses the job's own token for the registry of its GitLab, there is
no such token; and programs that `credsStore` and `credHelpers` name cannot be run by Kubernetes.
"""

from __future__ import annotations

import json

from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import ConfigurationFailure

VARIABLE = "DOCKER_AUTH_CONFIG"

_TYPE = "kubernetes.io/dockerconfigjson"
_KEY = ".dockerconfigjson"


def pull_secret_name(pod_name: str) -> str:
    """Name the pull secret of a pod."""
    return f"{pod_name}-pull"


def registry_logins(text: str) -> str:
    """Read the logins, in the form that Kubernetes wants; empty when there are none.

    Raises:
        SystemFailure: the variable is not what `docker login` writes.
    """
    if not text.strip():
        return ""
    try:
        logins = json.loads(text)["auths"]
    except (ValueError, KeyError, TypeError):
        logins = None
    if not isinstance(logins, dict) or not all(isinstance(one, dict) for one in logins.values()):
        message = f'the variable {VARIABLE} is not of the form {{"auths": {{"HOST": ...}}}}'
        # Without a cause: it would quote the variable.
        raise ConfigurationFailure(message) from None
    return json.dumps({"auths": logins}, sort_keys=True) if logins else ""


def build_pull_secret(metadata: k8s.V1ObjectMeta, logins: str) -> k8s.V1Secret:
    """Build the pull secret of a pod, next to its other Secret with this metadata."""
    own = k8s.V1ObjectMeta(
        name=pull_secret_name(metadata.name),
        namespace=metadata.namespace,
        labels=metadata.labels,
        annotations=metadata.annotations,
    )
    return k8s.V1Secret(
        api_version="v1", kind="Secret", metadata=own, type=_TYPE, string_data={_KEY: logins}
    )

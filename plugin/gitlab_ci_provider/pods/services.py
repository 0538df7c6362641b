"""Services as native sidecars: init containers that go on running, see docs/adr/0029-services.md.

They start first, in their order, and Kubernetes ends them once the job has ended. The spec names
the variables of a service only: each value is read from the pod's Secret.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubernetes import client as k8s

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.pods.manifest import from_manifest

ALWAYS = "Always"
"""The restart policy that makes a sidecar of an init container."""

_LOOPBACK = "127.0.0.1"


def service_container(service: PlannedService, secret_name: str) -> k8s.V1Container:
    """Build the container of a service; standard input is open, as with GitLab Runner."""
    return k8s.V1Container(
        name=service.name,
        image=service.image.name,
        restart_policy=ALWAYS,
        command=list(service.image.entrypoint or ()) or None,
        args=list(service.command or ()) or None,
        env=[_variable(name, secret_name, key) for name, key in service.environment.items()],
        stdin=True,
    )


def host_aliases(
    services: Sequence[PlannedService], profile: RunnerProfile
) -> list[k8s.V1HostAlias] | None:
    """Have the names of services mean the pod itself, whose containers share one network.

    They come before the runner's own: the first line of a hosts file that has a name counts.
    """
    names = dict.fromkeys(host for service in services for host in service.hosts)
    ours = [k8s.V1HostAlias(ip=_LOOPBACK, hostnames=list(names))] if names else []
    theirs = [from_manifest(alias, "V1HostAlias") for alias in profile.network.host_aliases]
    return [*ours, *theirs] or None


def service_names(pod: k8s.V1Pod) -> list[str]:
    """List the containers of a pod that are services."""
    containers = pod.spec.init_containers or ()
    return [container.name for container in containers if container.restart_policy == ALWAYS]


def lacks_sidecars(created: k8s.V1Pod, wanted: k8s.V1Pod) -> bool:
    """Tell whether Kubernetes is too old for services: what it has created lacks their mark.

    It drops the field without a word, and the first service would keep the job from starting.
    """
    return service_names(created) != service_names(wanted)


def _variable(name: str, secret_name: str, key: str) -> k8s.V1EnvVar:
    reference = k8s.V1SecretKeySelector(name=secret_name, key=key)
    return k8s.V1EnvVar(name=name, value_from=k8s.V1EnvVarSource(secret_key_ref=reference))

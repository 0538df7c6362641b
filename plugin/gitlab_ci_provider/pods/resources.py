"""What the containers of a pod ask for and may use."""

from __future__ import annotations

from kubernetes import client as k8s

from gitlab_ci_provider.model.runner import Amounts, Resources


def requirements(resources: Resources) -> k8s.V1ResourceRequirements | None:
    """Build the requirements of a container, or of a whole pod; None when nothing is said."""
    requests, limits = _named(resources.requests), _named(resources.limits)
    if not (requests or limits):
        return None
    return k8s.V1ResourceRequirements(requests=requests or None, limits=limits or None)


def _named(amounts: Amounts) -> dict[str, str]:
    named = {
        "cpu": amounts.cpu,
        "memory": amounts.memory,
        "ephemeral-storage": amounts.ephemeral_storage,
    }
    return {name: amount for name, amount in named.items() if amount}

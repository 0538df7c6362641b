"""Where a pod runs and what it finds there: the parts of its spec that a runner decides alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes import client as k8s

from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import Manifest
from gitlab_ci_provider.pods.manifest import from_manifest
from gitlab_ci_provider.pods.naming import label_value
from gitlab_ci_provider.pods.resources import requirements


def placement(profile: RunnerProfile, pull_secrets: Sequence[str] = ()) -> dict[str, Any]:
    """Return arguments of `V1PodSpec`; what a runner does not say is left to Kubernetes.

    Args:
        profile: the runner.
        pull_secrets: those that the job brings along.
    """
    scheduling, network = profile.scheduling, profile.network
    return {
        "service_account_name": profile.service_account or None,
        "automount_service_account_token": profile.automount_service_account_token,
        "image_pull_secrets": [
            k8s.V1LocalObjectReference(name=name)
            for name in (*profile.image_pull_secrets, *pull_secrets)
        ]
        or None,
        "resources": requirements(profile.resources.pod),
        "node_selector": dict(scheduling.node_selector) or None,
        "tolerations": _several(scheduling.tolerations, "V1Toleration"),
        "affinity": _one(scheduling.affinity, "V1Affinity"),
        "topology_spread_constraints": _several(
            scheduling.topology_spread_constraints, "V1TopologySpreadConstraint"
        ),
        "priority_class_name": scheduling.priority_class_name or None,
        "runtime_class_name": scheduling.runtime_class_name or None,
        "scheduler_name": scheduling.scheduler_name or None,
        "dns_policy": network.dns_policy or None,
        "dns_config": _one(network.dns_config, "V1PodDNSConfig"),
    }


def lifecycle(profile: RunnerProfile) -> k8s.V1Lifecycle | None:
    """Return the hooks of the build and service containers."""
    hooks: k8s.V1Lifecycle | None = _one(profile.lifecycle, "V1Lifecycle")
    return hooks


def own_labels(profile: RunnerProfile) -> Mapping[str, str]:
    """Return the runner's labels of pods; a value that Kubernetes would refuse is made valid."""
    return {key: label_value(value) for key, value in profile.labels.items()}


def _one(manifest: Manifest, kind: str) -> Any:
    return from_manifest(manifest, kind) if manifest else None


def _several(manifests: Sequence[Manifest], kind: str) -> list[Any] | None:
    return [from_manifest(manifest, kind) for manifest in manifests] or None

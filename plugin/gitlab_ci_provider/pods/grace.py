"""How long a pod may take to end: what a canceled job needs, and less for services that stay.

A kubelet gives services the pod's own grace period once the job's containers have ended, whatever
whoever deletes the pod asks for then (seen with Kubernetes 1.36). So the spec of a pod with
services has a short one, and who ends a job that still runs asks for the time that it needs.
"""

from __future__ import annotations

from kubernetes import client as k8s

from gitlab_ci_provider.pods.naming import LABEL_DOMAIN

SERVICES_GRACE = 30
"""Seconds that services have to end after the job has; Kubernetes' own default."""

_NEEDED = f"{LABEL_DOMAIN}/grace"
"""Annotation of a pod whose job needs more than the pod's spec says."""


def grace_of_spec(seconds: int, *, services: bool) -> int:
    """Return the grace period of a pod whose canceled job needs so many seconds."""
    return min(seconds, SERVICES_GRACE) if services else seconds


def noted_grace(seconds: int | None, spec: int | None = None) -> dict[str, str]:
    """Annotate a pod with what its job needs, unless the grace period of its spec is that."""
    return {} if seconds is None or seconds == spec else {_NEEDED: str(seconds)}


def grace_of_job(pod: k8s.V1Pod) -> int | None:
    """Read how many seconds the job of a pod needs that is canceled; None for those of its spec."""
    noted = (pod.metadata.annotations or {}).get(_NEEDED, "")
    return int(noted) if noted.isdigit() else None

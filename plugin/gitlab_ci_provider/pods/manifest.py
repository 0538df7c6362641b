"""Parts of a pod that a runner gives as Kubernetes writes them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from kubernetes import client as k8s

from gitlab_ci_provider.model.runner_parts import Manifest


def from_manifest(manifest: Manifest, kind: str) -> Any:
    """Make the client's object of a kind, such as `V1Affinity`; its shape was checked before."""
    answer = SimpleNamespace(data=json.dumps(manifest))
    return k8s.ApiClient().deserialize(answer, kind)


def to_manifest(value: object) -> dict[str, Any]:
    """Write an object of the client as Kubernetes does."""
    written: dict[str, Any] = k8s.ApiClient().sanitize_for_serialization(value)
    return written

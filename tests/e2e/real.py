"""One project on a real Kubernetes, whose requests to the API server can be looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client

from clusters.target import Target
from e2e.embedded import Stack, make_repository, real_stack
from e2e.place import Place


@dataclass(frozen=True)
class World:
    """A stack whose jobs run on the real cluster, and a project."""

    stack: Stack
    place: Place
    repository: Path
    target: Target

    @property
    def core(self) -> client.CoreV1Api:
        return self.place.core

    @property
    def url(self) -> str:
        return self.stack.address(self.repository)

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run the pipeline; returns its report."""
        return self.stack.run(self.repository, *arguments)

    def asked(self) -> list[dict[str, Any]]:
        """List what Airflow has asked the API server for so far, by the audit log."""
        assert self.target.audit
        lines = self.target.audit.read_text().splitlines()
        user = self.place.user
        return [one for one in map(json.loads, lines) if one["user"]["username"] == user]

    def left(self) -> list[str]:
        """List what jobs have left in their namespace."""
        pods = self.core.list_namespaced_pod(self.place.namespace).items
        secrets = self.core.list_namespaced_secret(self.place.namespace).items
        return [one.metadata.name for one in [*pods, *secrets] if _of_a_job(one)]


def _of_a_job(one: Any) -> bool:
    return not str(getattr(one, "type", "")).startswith("kubernetes.io/")


@contextmanager
def real_world(target: Target, folder: Path, pipeline: str) -> Iterator[World]:
    """Start a stack whose jobs run on a cluster, with git and S3 of this machine."""
    repository = make_repository(folder / "project", {".gitlab-ci.yml": pipeline})
    with real_stack(target, folder) as stack:
        assert stack.place
        yield World(stack, stack.place, repository, target)

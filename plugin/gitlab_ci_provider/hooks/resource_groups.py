"""Stored resource groups: one ConfigMap each, in the namespace of the jobs' pods.

Every change is written against the version that was read (`resourceVersion`), so when two jobs
take a group at once, exactly one gets it. A job holds it as long as Airflow runs its task or
Kubernetes its pod, so the group is free again even when nobody is left to give it back.

Needs: a role that may get, create and update ConfigMaps, see `docs/how-to/real-cluster.md`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.serialization import decode, encode
from gitlab_ci_provider.pods.naming import LABEL_DOMAIN, label_value
from gitlab_ci_provider.pods.status import still_runs
from gitlab_ci_provider.schedule.resource_group import Claim, Group, without

LABEL = "resource-group"
"""Label of the ConfigMap and of the pods of its jobs; its value is the ConfigMap's name."""

_KEY = "group.json"
_ATTEMPTS = 100

_HOLDING = frozenset({"running", "queued", "scheduled", "deferred", "restarting"})
_READY = _HOLDING
_COMING = frozenset({None, "up_for_retry", "up_for_reschedule", *_HOLDING})

TaskStates = Callable[[str, str], Mapping[str, str | None]]
"""Asks Airflow for the states of the tasks of a run, by DAG and run."""


def group_name(installation: str, project: str, key: str) -> str:
    """Name the ConfigMap of a resource group.

    Another installation in the namespace asks another Airflow whether a job still runs: it would
    take the group from a job that it does not know.
    """
    digest = hashlib.sha256(f"{installation}\0{project}\0{key}".encode()).hexdigest()
    return f"resource-group-{digest[:16]}"


@dataclass(frozen=True, slots=True)
class ResourceGroup:
    """One resource group of a project."""

    client: k8s.CoreV1Api
    namespace: str
    installation: str
    project: str
    key: str

    @property
    def name(self) -> str:
        """Name of the ConfigMap."""
        return group_name(self.installation, self.project, self.key)

    def update(self, change: Callable[[Group], Group]) -> Group:
        """Change the group; writes nothing when nothing changes.

        Raises:
            SystemFailure: the ConfigMap cannot be read or written.
        """
        for _ in range(_ATTEMPTS):
            found = self._read()
            before = group_in(found)
            after = change(before)
            if after == before or self._write(found, after):
                return after
        raise SystemFailure(
            f"resource group '{self.key}': ConfigMap {self.name} changes all the time"
        )

    def prune(self, states: TaskStates) -> Group:
        """Remove jobs that no longer exist."""
        group = self.update(lambda group: group)
        dead = {one.key for one in group.claims if not _waits(one, states)}
        if group.holder is not None and not self._holds(group.holder, states):
            dead.add(group.holder.key)
        return self.update(lambda found: without(found, dead)) if dead else group

    def has_pods(self) -> bool:
        """Return whether a job of the group still runs in a pod, whatever Airflow reports."""
        selector = f"{LABEL_DOMAIN}/{LABEL}={self.name}"
        pods = self.client.list_namespaced_pod(self.namespace, label_selector=selector).items
        return any(still_runs(pod) for pod in pods)

    def _holds(self, holder: Claim, states: TaskStates) -> bool:
        state = states(holder.dag_id, holder.run_id).get(holder.task_id, "removed")
        return state in _HOLDING or self.has_pods()

    def _read(self) -> k8s.V1ConfigMap | None:
        try:
            return self.client.read_namespaced_config_map(self.name, self.namespace)
        except ApiException as problem:
            if problem.status == 404:
                return None
            raise

    def _write(self, found: k8s.V1ConfigMap | None, group: Group) -> bool:
        """Write the group; False when somebody else was faster."""
        body = self._body(group, found.metadata.resource_version if found else None)
        try:
            if found is None:
                self.client.create_namespaced_config_map(self.namespace, body)
            else:
                self.client.replace_namespaced_config_map(self.name, self.namespace, body)
        except ApiException as problem:
            if problem.status == 409 or (found is not None and problem.status == 404):
                return False
            raise
        return True

    def _body(self, group: Group, version: str | None) -> k8s.V1ConfigMap:
        labels = {
            "installation": self.installation,
            "project": label_value(self.project),
            LABEL: self.name,
        }
        annotations = {"project": self.project, "resource-group-key": self.key}
        return k8s.V1ConfigMap(
            metadata=k8s.V1ObjectMeta(
                name=self.name,
                resource_version=version,
                labels={f"{LABEL_DOMAIN}/{key}": value for key, value in labels.items()},
                annotations={f"{LABEL_DOMAIN}/{key}": value for key, value in annotations.items()},
            ),
            data={_KEY: encode(group).decode()},
        )


def group_in(found: k8s.V1ConfigMap | None) -> Group:
    """Read the group; one that somebody has made invalid starts empty."""
    text = (found.data or {}).get(_KEY) if found is not None else None
    try:
        return decode(text, Group) if text else Group()
    except msgspec.MsgspecError:
        return Group()


def _waits(claim: Claim, states: TaskStates) -> bool:
    state = states(claim.dag_id, claim.run_id).get(claim.task_id, "removed")
    return state in (_READY if claim.ready else _COMING)

"""Pull policies: which of several a container uses, and which comes next when a pull has failed.

Source: GitLab Runner's `pull/manager.go`. A pod cannot change its policies, so each further one
takes another pod. Which policy a pod's container uses can be seen in the pod itself, so that any
worker can go on. The helper's containers share an image, and so a policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from kubernetes import client as k8s

from gitlab_ci_provider.model.image import Image, PullPolicy
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.service import PlannedService
from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HELPER_CONTAINER,
    HOOK_CONTAINER,
    PREPARE_CONTAINER,
)

_IN_KUBERNETES: dict[PullPolicy, str] = {
    "always": "Always",
    "if-not-present": "IfNotPresent",
    "never": "Never",
}
_HELPERS = (HOOK_CONTAINER, PREPARE_CONTAINER, HELPER_CONTAINER)


def pull_policy(policies: Sequence[PullPolicy], failed: int = 0) -> str | None:
    """Return the policy that comes after those that have failed; None leaves it to Kubernetes."""
    return _IN_KUBERNETES[policies[min(failed, len(policies) - 1)]] if policies else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPolicies:
    """The pull policies of a pod.

    Attributes:
        listed: by container, in the order in which they are tried.
        failed: by container, how many of them have failed.
    """

    listed: Mapping[str, Sequence[PullPolicy]] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)

    @property
    def unsettled(self) -> tuple[str, ...]:
        """The containers that have another policy left."""
        return tuple(name for name in self.listed if self._left(name) > 1)

    def words(self, container: str) -> str:
        """Name the policy that a container uses."""
        listed = self.listed[container]
        position = self.failed.get(container, 0)
        return f"{listed[position]} ({position + 1} of {len(listed)})"

    def as_in(self, pod: k8s.V1Pod) -> PullPolicies:
        """Return them as a pod uses them; it may be of an earlier worker."""
        containers = (*(pod.spec.init_containers or ()), *pod.spec.containers)
        used = {container.name: container.image_pull_policy for container in containers}
        failed = {
            name: max(position, self.failed.get(name, 0))  # a patch may set the first one again
            for name, listed in self.listed.items()
            for position, policy in enumerate(listed)
            if _IN_KUBERNETES[policy] == used.get(name)
        }
        return replace(self, failed={**self.failed, **failed})

    def after(self, container: str) -> PullPolicies | None:
        """Return what comes next when an image could not be pulled; None if that was the last."""
        if self._left(container) < 2:
            return None
        alike = _HELPERS if container in _HELPERS else (container,)
        count = self.failed.get(container, 0) + 1
        return replace(self, failed={**self.failed, **dict.fromkeys(alike, count)})

    def _left(self, container: str) -> int:
        return len(self.listed.get(container, ())) - self.failed.get(container, 0)


def pull_policies(
    image: Image, services: Sequence[PlannedService], runner: RunnerProfile
) -> PullPolicies:
    """Return the policies of a job's pod: where the job says nothing, those of the runner."""
    listed = {
        **dict.fromkeys(_HELPERS, runner.pull_policy),
        **{service.name: service.image.pull_policies for service in services},
        BUILD_CONTAINER: image.pull_policies,
    }
    return PullPolicies(
        listed={
            name: tuple(dict.fromkeys(policies or runner.pull_policy))
            for name, policies in listed.items()
        }
    )

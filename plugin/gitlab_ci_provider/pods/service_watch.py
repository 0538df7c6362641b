"""Judging the services of a pod by all that is seen of it: when the job has to give up on one.

The helper waits until services answer, and says so now and then; the reader of its log looks at
the pod then. So a service that dies is noticed long before its time is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from kubernetes import client as k8s

from gitlab_ci_provider.model.workspace import (
    BUILD_CONTAINER,
    HOOK_CONTAINER,
    PREPARE_CONTAINER,
)
from gitlab_ci_provider.pods.service_states import (
    ServiceDeath,
    dead_before_script,
    dies_at_start,
)
from gitlab_ci_provider.pods.status import container_state

_LOOK_SECONDS = 2.0
"""How often to look at the pod at most, while the helper waits."""


@dataclass(slots=True, kw_only=True)
class ServiceWatch:
    """Watches the services of one pod until the script has started.

    Attributes:
        services: names of their containers.
        death: of the service that the job cannot do without; None as long as all may be well.
    """

    services: Collection[str] = ()
    clock: Callable[[], float] = time.monotonic
    death: ServiceDeath | None = field(default=None, init=False)
    _looked: float = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Begin to count the time."""
        self._looked = self.clock()

    def is_hopeless(self, pod: k8s.V1Pod, container: str) -> bool:
        """Look at a pod whose container is waited for; tell whether a service stands in its way."""
        if container in (HOOK_CONTAINER, PREPARE_CONTAINER):
            self.death = dies_at_start(pod, self.services)
        elif container == BUILD_CONTAINER and _has_begun(pod, container):
            self.death = dead_before_script(pod, self.services)
        return self.death is not None

    def is_dead(self, pod: k8s.V1Pod) -> bool:
        """Look at a pod whose services are waited for; one that has died twice will not answer."""
        found = dead_before_script(pod, self.services)
        self.death = found if found is not None and found.times > 1 else None
        return self.death is not None

    def is_due(self) -> bool:
        """Tell whether it is time to look again."""
        now = self.clock()
        if not self.services or now - self._looked < _LOOK_SECONDS:
            return False
        self._looked = now
        return True


def _has_begun(pod: k8s.V1Pod, container: str) -> bool:
    return container_state(pod, container).phase != "waiting"

"""Having the cluster admit a pod: waiting for a quota that others use up, refused in words."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.outages import is_passing, say
from gitlab_ci_provider.pods.refusals import refusal

_FIRST_SECONDS, _LONGEST_SECONDS = 2.0, 20.0

_log = logging.getLogger(__name__)


def admitted(
    create: Callable[[], k8s.V1Pod],
    seconds: float,
    *,
    still_wanted: Callable[[], object],
    sleep: Callable[[float], object] = time.sleep,
) -> k8s.V1Pod:
    """Create a pod, if need be when there is room for it in the namespace's quota.

    Args:
        create: creates it, and finds it when it was created already.
        seconds: how long to wait for the quota.
        still_wanted: raises when the pod is not wanted anymore.
        sleep: waits.

    Raises:
        SystemFailure: Kubernetes refuses.
        ApiException: it does not answer.
    """
    end, pause, told = time.monotonic() + seconds, _FIRST_SECONDS, False
    while True:
        try:
            return create()
        except ApiException as problem:
            if is_passing(problem):
                raise
            refused = refusal(say(problem))
            left = end - time.monotonic()
            if not refused.passes:
                raise SystemFailure(f"Kubernetes refused: {refused.words}") from problem
            if left <= 0:
                message = f"Kubernetes refused for {seconds:.0f} s: {refused.words}"
                raise SystemFailure(message) from problem
        if not told:
            _log.warning("waiting up to %.0f s: %s", left, refused.words)
        told = True
        sleep(min(left, pause * random.uniform(0.5, 1)))  # noqa: S311 - spread, not secret
        pause = min(pause * 2, _LONGEST_SECONDS)
        still_wanted()

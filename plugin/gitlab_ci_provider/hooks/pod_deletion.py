"""Deleting a pod from a triggerer: asked for until Kubernetes has answered."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.async_kubernetes import PASSING, Place, RefusedError, connected

_PAUSE_SECONDS = 2

_GONE = frozenset({404, 409})
"""The pod is gone already, or another one has its name."""


async def delete_pod(
    place: Place, pod: str, uid: str, outage: float, grace: int | None = None
) -> str:
    """Delete a pod, which then ends in its own time; gives the reason if that was not possible.

    Args:
        place: where it is.
        pod: its name.
        uid: empty for whatever pod has the name.
        outage: seconds for which Kubernetes may be unreachable.
        grace: seconds that its processes have; None for its own.
    """
    options: dict[str, Any] = {"preconditions": {"uid": uid}} if uid else {}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    give_up = time.monotonic() + outage
    while True:
        try:
            async with connected(place) as cluster:
                await cluster.delete(f"pods/{pod}", options)
        except PASSING as problem:
            if time.monotonic() >= give_up:
                return str(problem) or type(problem).__name__
            await asyncio.sleep(_PAUSE_SECONDS)
        except RefusedError as problem:
            return "" if problem.status in _GONE else str(problem)
        except SettingsError as problem:
            return str(problem)
        else:
            return ""

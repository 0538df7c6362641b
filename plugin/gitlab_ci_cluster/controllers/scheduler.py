"""Whether a pod may run on the only node there is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gitlab_ci_cluster.controllers.node import capacity, node_labels
from gitlab_ci_cluster.objects.meta import Obj, timestamp
from gitlab_ci_cluster.objects.quantity import parse_quantity

_NO_PREEMPTION = (
    "no new claims to deallocate, preemption: 0/1 nodes are available: "
    "1 Preemption is not helpful for scheduling."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a pod is not scheduled: reason and message of its condition."""

    reason: str
    message: str


def why_not(pod: Obj, node: str) -> Problem | None:
    """Say why a pod cannot be scheduled; None when it can.

    Unlike a real scheduler, this looks at the requests of one pod, not at those of all pods:
    the machine is the user's own.
    """
    spec = pod["spec"]
    if spec.get("schedulingGates"):
        return Problem("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")
    labels = node_labels(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return _unschedulable("1 node(s) didn't match Pod's node affinity/selector")
    lacking = [name for name in ("cpu", "memory") if _requested(spec, name) > _available(name)]
    if lacking:
        return _unschedulable(", ".join(f"1 Insufficient {name}" for name in lacking))
    return None


def _unschedulable(why: str) -> Problem:
    return Problem("Unschedulable", f"0/1 nodes are available: {why}. {_NO_PREEMPTION}")


def _requested(spec: Obj, name: str) -> Decimal:
    return sum((_request(container, name) for container in spec["containers"]), Decimal(0))


def _request(container: Obj, name: str) -> Decimal:
    resources = container.get("resources") or {}
    limits = resources.get("limits") or {}
    requests = resources.get("requests") or {}
    return parse_quantity(requests.get(name, limits.get(name, "0")))


def _available(name: str) -> Decimal:
    return parse_quantity(capacity()[name])


def scheduled_status(status: Obj) -> Obj:
    """Note in a status that the pod has its node."""
    return _with_condition(status, {"status": "True"})


def unscheduled_status(status: Obj, problem: Problem) -> Obj:
    """Note in a status why the pod has no node."""
    condition = {"status": "False", "reason": problem.reason, "message": problem.message}
    return _with_condition(status, condition)


def _with_condition(status: Obj, values: Obj) -> Obj:
    old: Obj = next(iter(status.get("conditions", [])), {})
    if all(old.get(key) == values.get(key) for key in ("status", "reason", "message")):
        return status
    times = {"lastProbeTime": None, "lastTransitionTime": timestamp()}
    condition = {"type": "PodScheduled", "status": values["status"], **times, **values}
    return {**status, "conditions": [condition]}

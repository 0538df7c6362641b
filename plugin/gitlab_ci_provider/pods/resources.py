"""Requests and limits of a pod's containers."""

from __future__ import annotations

import re
from decimal import Decimal

from kubernetes import client as k8s
from kubernetes.utils.quantity import parse_quantity

from gitlab_ci_provider.model.runner_parts import Amounts, Resources

QUANTITY = re.compile(r"\d{1,18}(\.\d{1,9})?([eE]\d{1,2}|[numkMGTPE]|[KMGTPE]i)?", re.ASCII)


def quantity(text: str) -> Decimal | None:
    """Read a quantity of Kubernetes such as `500m` or `2Gi`; None when it is not one."""
    return Decimal(parse_quantity(text)) if QUANTITY.fullmatch(text) else None


def requirements(resources: Resources) -> k8s.V1ResourceRequirements | None:
    """Build the requirements of a container, or of a whole pod; None when nothing is said.

    Nothing is requested beyond its limit, which Kubernetes would refuse: the limit may be of the
    job, and the request a default.
    """
    requests, limits = _named(resources.requests), _named(resources.limits)
    if not (requests or limits):
        return None
    fitting = {name: _at_most(asked, limits.get(name)) for name, asked in requests.items()}
    return k8s.V1ResourceRequirements(requests=fitting or None, limits=limits or None)


def _at_most(asked: str, limit: str | None) -> str:
    wanted, most = quantity(asked), quantity(limit or "")
    if limit is None or wanted is None or most is None:
        return asked
    return limit if wanted > most else asked


def _named(amounts: Amounts) -> dict[str, str]:
    named = {
        "cpu": amounts.cpu,
        "memory": amounts.memory,
        "ephemeral-storage": amounts.ephemeral_storage,
    }
    return {name: amount for name, amount in named.items() if amount}

"""Private parts of `KubernetesPodOperator` on which our job operator relies."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

if TYPE_CHECKING:
    from airflow.sdk import Context
    from kubernetes import client as k8s


_builder: Any = logging.getLogger(__name__)
_builder.setLevel(logging.WARNING)
"""Says nothing of the labels of each pod, which would be the first line of each job's log."""


def pod_request(operator: KubernetesPodOperator, context: Context, spec: k8s.V1Pod) -> k8s.V1Pod:
    """Build the pod as the operator would create it: with its labels, name and namespace."""
    operator.full_pod_spec = spec
    operator._cached_logger, own = _builder, operator.log  # noqa: SLF001 - it cannot be told
    try:
        operator.pod_request_obj = operator.build_pod_request_obj(context)
    finally:
        operator._cached_logger = own  # noqa: SLF001
    return operator.pod_request_obj


def was_killed(operator: KubernetesPodOperator) -> bool:
    """Return whether Airflow has stopped the task, and with it the pod (`on_kill`)."""
    return bool(operator._killed)  # noqa: SLF001 - there is no public way to ask

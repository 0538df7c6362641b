"""Why Kubernetes refuses to create a pod, in words that say what to do about it.

Quotas, policies, missing accounts and missing permissions are all 403 Forbidden and differ only in
their messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernetes.utils.quantity import parse_quantity

_QUOTA = "exceeded quota: "
_AMOUNTS = re.compile(r"requested: (?P<requested>\S+), used: \S+, limited: (?P<limited>\S+)")

_RBAC = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)".*?'
    r'(?:in the namespace "(?P<namespace>[^"]*)"|at the cluster scope)'
)

_CAUSES = (
    ("401 Unauthorized", "it does not know the account of the connection (has its token expired?)"),
    ('404 Not Found: namespaces "', "the namespace does not exist"),
    ("because it is being terminated", "the namespace is being deleted"),
    ("violates PodSecurity", "the namespace's Pod Security level does not allow this pod"),
    ("error looking up service account", "the pod's service account does not exist"),
    ("no PriorityClass with name", "the pod's priority class does not exist"),
    ("failed quota: ", "a quota of the namespace wants resources that the pod does not set"),
    ("denied the request", "an admission webhook of the cluster denies it"),
    ("ValidatingAdmissionPolicy", "an admission policy of the cluster denies it"),
    (" usage per ", "a LimitRange of the namespace does not allow these resources"),
    ("limit to request ratio", "a LimitRange of the namespace does not allow these resources"),
    ("etcdserver: request is too large", "the pod or its scripts are too large for Kubernetes"),
    ("Request entity too large", "the pod or its scripts are too large for Kubernetes"),
    ("Too long: ", "the pod or its scripts are too large for Kubernetes"),
    ("is invalid: ", "the pod is not valid"),
)
"""Pieces of messages, the more telling first, and what each means."""

_DOCUMENTED = "docs/how-to/real-cluster.md lists what is needed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Kubernetes does not create something.

    Attributes:
        words: why not, for a person.
        passes: others use up the quota; it is free again when their pods have ended.
    """

    words: str
    passes: bool = False


def refusal(said: str) -> Refusal:
    """Read a refusal.

    Args:
        said: status, reason and message of the answer.
    """
    if _QUOTA in said:
        if _is_beyond_quota(said):
            return Refusal(f"the pod asks for more than the namespace's whole quota: {said}")
        return Refusal(f"the namespace's quota is used up: {said}", passes=True)
    if found := _RBAC.search(said):
        place = f"in namespace {found['namespace']}" if found["namespace"] else "in the cluster"
        may_not = f"{found['user']} may not {found['verb']} {found['resource']} {place}"
        return Refusal(f"{may_not}; {_DOCUMENTED}. {said}")
    cause = next((words for piece, words in _CAUSES if piece in said), "")
    return Refusal(f"{cause}: {said}" if cause else said)


def _is_beyond_quota(said: str) -> bool:
    """Return whether a pod would not fit even if nothing else ran."""
    found = _AMOUNTS.search(said)
    if found is None:
        return False
    limited = _amounts(found["limited"])
    requested = _amounts(found["requested"])
    try:
        return any(
            parse_quantity(amount) > parse_quantity(limited[name])
            for name, amount in requested.items()
            if name in limited
        )
    except ValueError:
        return False


def _amounts(text: str) -> dict[str, str]:
    """Read `pods=1,requests.cpu=600m`."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name: amount for name, _, amount in pairs}

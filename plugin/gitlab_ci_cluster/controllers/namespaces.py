"""The namespaces of a new cluster, and the service account that each namespace gets."""

from __future__ import annotations

from gitlab_ci_cluster.objects.meta import new_object
from gitlab_ci_cluster.objects.resources import NAMESPACES, SERVICE_ACCOUNTS
from gitlab_ci_cluster.objects.store import Change, Store

_FIRST = ("default", "kube-system")


def create_namespaces(store: Store) -> None:
    """Create the namespaces of a new cluster; later ones get their account when created."""
    store.listen(lambda change: _add_service_account(store, change))
    for name in _FIRST:
        namespace = {**new_object("Namespace", name), "spec": {"finalizers": ["kubernetes"]}}
        namespace["metadata"]["labels"] = {"kubernetes.io/metadata.name": name}
        store.create(NAMESPACES, {**namespace, "status": {"phase": "Active"}})


def _add_service_account(store: Store, change: Change) -> None:
    if change.resource is NAMESPACES and change.type == "ADDED":
        account = new_object("ServiceAccount", "default")
        account["metadata"]["namespace"] = change.obj["metadata"]["name"]
        store.create(SERVICE_ACCOUNTS, account)

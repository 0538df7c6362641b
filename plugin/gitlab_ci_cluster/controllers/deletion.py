"""Deleting objects: grace periods of pods, finalizers, owners, namespaces."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from gitlab_ci_cluster.objects import errors
from gitlab_ci_cluster.objects.meta import (
    Obj,
    is_deleting,
    key_of,
    now,
    timestamp,
    with_metadata,
)
from gitlab_ci_cluster.objects.resources import (
    EVENTS,
    NAMESPACES,
    PODS,
    Resource,
)
from gitlab_ci_cluster.objects.store import Change, Store

_TERMINAL = ("Succeeded", "Failed")


def delete(store: Store, resource: Resource, obj: Obj, options: Obj) -> Obj:
    """Begin to delete an object as `DeleteOptions` say; return its new or its last state.

    Raises:
        ApiError: a precondition does not hold.
    """
    _check_preconditions(obj, options.get("preconditions") or {})
    _propagate(store, obj, options.get("propagationPolicy"))
    if resource is PODS:
        return _delete_pod(store, obj, options.get("gracePeriodSeconds"))
    if resource is NAMESPACES:
        return _delete_namespace(store, obj)
    if obj["metadata"].get("finalizers"):
        if is_deleting(obj):
            return obj
        marks = {"deletionTimestamp": timestamp(), "deletionGracePeriodSeconds": 0}
        return store.update(resource, with_metadata(obj, **marks))
    return store.remove(resource, *key_of(obj))


def _check_preconditions(obj: Obj, wanted: Obj) -> None:
    metadata = obj["metadata"]
    texts = {
        "uid": ("UID", "deleted and then recreated"),
        "resourceVersion": ("ResourceVersion", "modified"),
    }
    for key, (shown, risk) in texts.items():
        if wanted.get(key) and wanted[key] != metadata[key]:
            why = (
                f"the {shown} in the precondition ({wanted[key]}) does not match the {shown} in "
                f"record ({metadata[key]}). The object might have been {risk}"
            )
            raise errors.conflict(obj["kind"], metadata["name"], why)


def _delete_pod(store: Store, pod: Obj, grace: int | None) -> Obj:
    """A running pod gets its grace period and is removed when its containers have ended."""
    if grace is None:
        grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
    grace = max(int(grace), 0)
    if pod["status"]["phase"] in _TERMINAL or not pod["spec"].get("nodeName"):
        grace = 0
    old_grace = pod["metadata"].get("deletionGracePeriodSeconds")
    if old_grace is None or grace < old_grace:
        moment = timestamp(now() + dt.timedelta(seconds=grace))
        marks = {"deletionTimestamp": moment, "deletionGracePeriodSeconds": grace}
        generation = pod["metadata"]["generation"] + (0 if is_deleting(pod) else 1)
        pod = store.update(PODS, with_metadata(pod, generation=generation, **marks))
    if grace == 0 and not pod["metadata"].get("finalizers"):
        pod = store.remove(PODS, *key_of(pod)) if store.find(PODS, *key_of(pod)) else pod
    return pod


def _delete_namespace(store: Store, namespace: Obj) -> Obj:
    if not is_deleting(namespace):
        namespace = with_metadata(namespace, deletionTimestamp=timestamp())
        namespace = store.update(NAMESPACES, {**namespace, "status": {"phase": "Terminating"}})
    name = namespace["metadata"]["name"]
    for resource, obj in list(store.everything()):
        if obj["metadata"].get("namespace") == name and store.find(resource, *key_of(obj)):
            delete(store, resource, obj, {})
    _remove_if_empty(store, name)
    return namespace


def _remove_if_empty(store: Store, namespace: str) -> None:
    used = any(obj["metadata"].get("namespace") == namespace for _, obj in store.everything())
    if not used and store.find(NAMESPACES, "", namespace):
        store.remove(NAMESPACES, "", namespace)


def finish(store: Store, change: Change) -> None:
    """Continue deletions after a change: removed finalizers, deleted owners, empty namespaces."""
    obj = change.obj
    if change.type == "DELETED":
        if change.resource is not EVENTS:
            _collect_dependents(store, obj["metadata"]["uid"])
        namespace = store.find(NAMESPACES, "", obj["metadata"].get("namespace", ""))
        if namespace is not None and is_deleting(namespace):
            _remove_if_empty(store, namespace["metadata"]["name"])
    elif _may_go(change):
        store.remove(change.resource, *key_of(obj))
    else:
        _collect_if_orphan(store, change.resource, obj)


def _may_go(change: Change) -> bool:
    """Whether the last finalizer of an object being deleted was just removed."""
    before = change.before or {"metadata": {}}
    gone = before["metadata"].get("finalizers") and not change.obj["metadata"].get("finalizers")
    done = change.obj["metadata"].get("deletionGracePeriodSeconds") == 0
    return bool(gone) and is_deleting(change.obj) and done


def _owner_uids(obj: Obj) -> set[str]:
    return {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or []}


def _dependents(store: Store, uid: str) -> list[tuple[Resource, Obj]]:
    return [(resource, obj) for resource, obj in _owning(store) if uid in _owner_uids(obj)]


def _owning(store: Store) -> Iterator[tuple[Resource, Obj]]:
    """Iterate over everything that can own or be owned: not events, of which there are many."""
    return (pair for pair in list(store.everything()) if pair[0] is not EVENTS)


def _collect_dependents(store: Store, uid: str) -> None:
    for resource, obj in _dependents(store, uid):
        _collect_if_orphan(store, resource, obj)


def _collect_if_orphan(store: Store, resource: Resource, obj: Obj) -> None:
    """Delete an object whose owners no longer exist."""
    owners = _owner_uids(obj)
    if not owners or is_deleting(obj) or not store.find(resource, *key_of(obj)):
        return
    if not owners & {other["metadata"]["uid"] for _, other in _owning(store)}:
        delete(store, resource, obj, {})


def _propagate(store: Store, owner: Obj, policy: str | None) -> None:
    """Do what is needed to dependents before their owner is deleted."""
    uid = owner["metadata"]["uid"]
    for resource, obj in _dependents(store, uid) if policy else []:
        if policy == "Orphan":
            references = obj["metadata"]["ownerReferences"]
            kept = [reference for reference in references if reference["uid"] != uid] or None
            store.update(resource, with_metadata(obj, ownerReferences=kept))
        elif policy == "Foreground" and _owner_uids(obj) == {uid}:
            delete(store, resource, obj, {})

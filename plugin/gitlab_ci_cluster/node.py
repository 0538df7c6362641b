"""What a fresh cluster holds: its node, namespaces and service accounts."""

from __future__ import annotations

import os
import platform

from gitlab_ci_cluster.api.discovery import GIT_VERSION
from gitlab_ci_cluster.kubelet.scheduler import capacity, node_labels
from gitlab_ci_cluster.objects import Obj, new_uid, timestamp
from gitlab_ci_cluster.resources import (
    NAMESPACES,
    NODES,
    SERVICE_ACCOUNTS,
)
from gitlab_ci_cluster.store import Change, Store

FIRST_NAMESPACES = ("default", "kube-system")


def populate(store: Store, node: str, ip: str, runtime: str) -> None:
    """Fill a new store."""
    store.listen(lambda change: _add_service_account(store, change))
    store.create(NODES, _node(node, ip, runtime))
    for name in FIRST_NAMESPACES:
        add_namespace(store, name)


def add_namespace(store: Store, name: str) -> None:
    """Make a namespace."""
    obj = {**_new("Namespace", name), "spec": {"finalizers": ["kubernetes"]}}
    obj["metadata"]["labels"] = {"kubernetes.io/metadata.name": name}
    store.create(NAMESPACES, {**obj, "status": {"phase": "Active"}})


def _add_service_account(store: Store, change: Change) -> None:
    if change.resource is NAMESPACES and change.type == "ADDED":
        account = _new("ServiceAccount", "default")
        account["metadata"]["namespace"] = change.obj["metadata"]["name"]
        store.create(SERVICE_ACCOUNTS, account)


def _new(kind: str, name: str) -> Obj:
    metadata = {"name": name, "uid": new_uid(), "creationTimestamp": timestamp()}
    return {"kind": kind, "apiVersion": "v1", "metadata": metadata}


def _node(name: str, ip: str, runtime: str) -> Obj:
    node = _new("Node", name)
    node["metadata"]["labels"] = node_labels(name)
    conditions = [_condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")]
    conditions += [
        _condition(kind, "False", "KubeletHasNoPressure", "nothing is short")
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    status = {
        "capacity": capacity(),
        "allocatable": capacity(),
        "conditions": conditions,
        "addresses": [
            {"type": "InternalIP", "address": ip},
            {"type": "Hostname", "address": name},
        ],
        "nodeInfo": _node_info(runtime),
    }
    return {**node, "spec": {}, "status": status}


def _condition(kind: str, status: str, reason: str, message: str) -> Obj:
    times = {"lastHeartbeatTime": timestamp(), "lastTransitionTime": timestamp()}
    return {"type": kind, "status": status, **times, "reason": reason, "message": message}


def _node_info(runtime: str) -> Obj:
    return {
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
        "kernelVersion": os.uname().release,
        "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "containerRuntimeVersion": f"{runtime}://1",
        "kubeletVersion": GIT_VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": node_labels("")["kubernetes.io/arch"],
    }

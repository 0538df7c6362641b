"""The node: its name, its resources, and how it is registered."""

from __future__ import annotations

import os
import platform

from gitlab_ci_cluster.objects.meta import Obj, new_object, timestamp
from gitlab_ci_cluster.objects.resources import KUBERNETES_VERSION, NODES
from gitlab_ci_cluster.objects.store import Store


def node_labels(node: str) -> dict[str, str]:
    """Return the labels of the node."""
    return {
        "kubernetes.io/arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(
            os.uname().machine, os.uname().machine
        ),
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
    }


def capacity() -> dict[str, str]:
    """Return the resources of the node."""
    memory_kib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    return {"cpu": str(os.cpu_count() or 1), "memory": f"{memory_kib}Ki", "pods": "5000"}


def register_node(store: Store, name: str, ip: str, runtime: str) -> None:
    """Add the cluster's one node."""
    store.create(NODES, _node(name, ip, runtime))


def _node(name: str, ip: str, runtime: str) -> Obj:
    node = new_object("Node", name)
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
        "kubeletVersion": KUBERNETES_VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": node_labels("")["kubernetes.io/arch"],
    }

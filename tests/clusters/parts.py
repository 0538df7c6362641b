"""The parts of a real Kubernetes for tests: their files and their command lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from clusters.layout import EXTENSION, Layout, hosts_file

_HTTPS_ONLY, _REMOTE_ONLY, _CGROUPS_2 = (1, 24), (1, 27), (1, 35)
"""Versions that changed an option: no plain port, no own runtime, cgroups 1 only if asked."""

_SOCKET = "/run/containerd/containerd.sock"
_REMOTE_RUNTIME = (
    "--container-runtime=remote",
    f"--container-runtime-endpoint=unix://{_SOCKET}",
    f"--image-service-endpoint=unix://{_SOCKET}",
)

ADMIN_TOKEN = "admin-of-the-tests"
PARTS_TOKEN = "parts-of-the-cluster"
"""What the parts say who they are, so that the audit log can leave them out."""


def commands(layout: Layout) -> dict[str, list[str]]:
    """List the parts in the order in which they start."""
    return {
        "registry": _registry(layout),
        "etcd": _etcd(layout),
        "containerd": [layout.program("containerd"), "-c", str(layout.folder / "containerd.toml")],
        "apiserver": _apiserver(layout),
        "controller-manager": _controller_manager(layout),
        "scheduler": _scheduler(layout),
        "kubelet": _kubelet(layout),
    }


def _registry(layout: Layout) -> list[str]:
    return [sys.executable, "-m", "clusters.registry", layout.registry, str(layout.folder)]


def _etcd(layout: Layout) -> list[str]:
    client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
    return [
        layout.program("etcd"),
        *("--name", "one", "--data-dir", str(layout.folder / "etcd"), "--unsafe-no-fsync"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"one={peer}"),
    ]


def _apiserver(layout: Layout) -> list[str]:
    folder = layout.folder
    return [
        layout.program("kube-apiserver"),
        "--etcd-servers=http://127.0.0.1:2379",
        f"--bind-address={layout.node}",
        f"--advertise-address={layout.node}",
        "--secure-port=6443",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        f"--service-account-issuer={layout.server}",
        f"--service-account-key-file={folder / 'accounts.key'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        "--service-cluster-ip-range=10.78.0.0/24",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={folder / 'audit.yaml'}",
        f"--audit-log-path={layout.audit}",
        "--shutdown-delay-duration=0s",
    ]


def _controller_manager(layout: Layout) -> list[str]:
    return [
        layout.program("kube-controller-manager"),
        f"--kubeconfig={layout.parts_kubeconfig}",
        "--leader-elect=false",
        f"--service-account-private-key-file={layout.folder / 'accounts.key'}",
        f"--root-ca-file={layout.folder / 'certificates' / 'apiserver.crt'}",
        *_without_plain_port(layout),
    ]


def _scheduler(layout: Layout) -> list[str]:
    return [
        layout.program("kube-scheduler"),
        f"--kubeconfig={layout.parts_kubeconfig}",
        "--leader-elect=false",
        *_without_plain_port(layout),
    ]


def _without_plain_port(layout: Layout) -> list[str]:
    common = ["--bind-address=127.0.0.1", "--authentication-skip-lookup=true"]
    return common if layout.version >= _HTTPS_ONLY else [*common, "--port=0"]


def _kubelet(layout: Layout) -> list[str]:
    folder = layout.folder / "kubelet"
    return [
        layout.program("kubelet"),
        f"--config={layout.folder / 'kubelet.json'}",
        f"--kubeconfig={layout.parts_kubeconfig}",
        *(() if layout.version >= _REMOTE_ONLY else _REMOTE_RUNTIME),
        "--hostname-override=node",
        f"--node-ip={layout.node}",
        f"--root-dir={folder}",
        f"--cert-dir={folder / 'pki'}",
    ]


def write_files(layout: Layout) -> None:
    """Write what the parts read."""
    folder = layout.folder
    tokens = {"admin": ADMIN_TOKEN, "parts": PARTS_TOKEN}
    lines = [f'{token},{user},{user},"system:masters"\n' for user, token in tokens.items()]
    (folder / "tokens.csv").write_text("".join(lines))
    (folder / "audit.yaml").write_text(json.dumps(_AUDIT))
    (folder / "kubelet.json").write_text(json.dumps(_kubelet_configuration(layout)))
    (folder / "containerd.toml").write_text(_containerd_configuration(layout))
    _write(folder / "cni" / "10-bridge.conflist", json.dumps(_network(layout)))
    _write(folder / "hosts" / "_default" / "hosts.toml", hosts_file(layout.registry))
    layout.stopped.mkdir()


def kubeconfig(layout: Layout, certificate: str, token: str = ADMIN_TOKEN) -> dict[str, Any]:
    """Build the file with which a client finds the cluster."""
    use = {"machine": layout.machine, "stopped": str(layout.stopped), "audit": str(layout.audit)}
    cluster = {
        "server": layout.server,
        "certificate-authority-data": certificate,
        "extensions": [{"name": EXTENSION, "extension": use}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "user"}}],
        "current-context": "tests",
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "users": ["parts", "system:apiserver"]},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/readyz*", "/livez*"]},
        {"level": "Metadata"},
    ],
}


def _kubelet_configuration(layout: Layout) -> dict[str, Any]:
    made: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.node,
        "readOnlyPort": 0,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.name}",
        "cgroupsPerQOS": False,  # needs rights over the machine's cgroups that a container lacks
        "enforceNodeAllocatable": [],
        "makeIPTablesUtilChains": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "clusterDNS": [layout.machine],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "eventRecordQPS": 0,
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "evictionHard": {"memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        "volumePluginDir": str(layout.folder / "volume-plugins"),
        "nodeStatusUpdateFrequency": "5s",
    }
    if layout.version >= _REMOTE_ONLY:
        made["containerRuntimeEndpoint"] = f"unix://{_SOCKET}"
    if layout.version >= _CGROUPS_2:
        made["failCgroupV1"] = False
    return made


def _containerd_configuration(layout: Layout) -> str:
    criplugin = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{layout.folder / "containerd"}"
state = "/run/containerd/state"
[grpc]
address = "{_SOCKET}"
[{criplugin}]
sandbox_image = "registry.test/pause:1"
restrict_oom_score_adj = true
[{criplugin}.cni]
bin_dir = "{layout.built / "cni"}"
conf_dir = "{layout.folder / "cni"}"
[{criplugin}.registry]
config_path = "{layout.folder / "hosts"}"
"""


def _network(layout: Layout) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "dataDir": str(layout.folder / "addresses"),
        "ranges": [[{"subnet": layout.subnet, "rangeStart": f"10.79.{layout.number}.10"}]],
        "routes": [{"dst": "0.0.0.0/0", "gw": layout.machine}],
    }
    bridge = {"type": "bridge", "bridge": "pods", "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}

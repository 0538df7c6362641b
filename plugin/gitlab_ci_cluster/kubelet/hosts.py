"""What the kubelet writes into a pod's containers: host name and `/etc/hosts`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gitlab_ci_cluster.kubelet.context import KubeletContext
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.runtimes.interface import Mount, PodConfig

_LONGEST_HOSTNAME = 63


def hostname(pod: Obj) -> str:
    """Return the host name of a pod: its name, cut to what a host name may have."""
    name: str = pod["spec"].get("hostname") or pod["metadata"]["name"]
    return name[:_LONGEST_HOSTNAME].rstrip("-.")


def make_files(pod: Obj, config: PodConfig, context: KubeletContext) -> tuple[Mount, ...]:
    """Write `/etc/hosts` and `/etc/hostname` of a pod; gives where to show them."""
    if not context.runtime.mounts:
        return ()
    directory = config.directory / "etc"
    directory.mkdir(parents=True, exist_ok=True)
    files = {"hosts": hosts_file(pod, config.hostname), "hostname": f"{config.hostname}\n"}
    for name, text in files.items():
        (directory / name).write_text(text)
    return tuple(Mount(source=directory / name, target=f"/etc/{name}") for name in files)


def hosts_file(pod: Obj, name: str) -> str:
    """Write the host file: this machine's, the pod's name, `hostAliases`."""
    lines = ["# Managed by the embedded cluster: this machine's own, then the pod's."]
    with suppress(OSError):
        lines.append(Path("/etc/hosts").read_text().rstrip())
    lines.append(f"127.0.0.1\t{name}")
    aliases = pod["spec"].get("hostAliases", [])
    lines += ["\t".join([alias["ip"], *alias.get("hostnames", [])]) for alias in aliases]
    return "\n".join(lines) + "\n"

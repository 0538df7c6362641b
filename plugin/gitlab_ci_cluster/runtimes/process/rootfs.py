"""Build the root of a container over the host's: everything readable, every write private.

Runs in the child of the fork server, in a mount namespace of its own: nothing here is ever visible
outside, and all of it goes when the last process of the container goes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gitlab_ci_cluster.runtimes.process import devices, linux
from gitlab_ci_cluster.runtimes.process.spec import (
    HOME,
    Level,
    MountSpec,
    RootSpec,
)

_OLD_ROOT = "/.pod-old-root"
_OWN = ("/proc", "/sys", "/dev", "/run", "/var/run")
"""Built afresh or shown read only, never laid over."""

_ENGINES = (
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
)
"""Where container engines mount what belongs to their own containers."""

_PSEUDO = frozenset(
    [
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tracefs",
    ]
)
_READ_ONLY_PROC = ("bus", "fs", "irq", "sys", "sysrq-trigger")
"""What root could change the machine by (Docker's `ReadonlyPaths`)."""


def enter(spec: RootSpec, mounts: list[MountSpec], level: Level) -> None:
    """Make the private root of a container, with its volumes, the root of this process.

    Raises:
        OSError: a mount was refused; the file name says which.
    """
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    point, layers = spec["point"], spec["layers"]
    lay_over = _lay_over_host if level == "root" else _lay_over_parts
    laid = lay_over(point, layers, tuple(spec["hide"]))
    _add_system_directories(point, level, privileged=spec["privileged"])
    for hidden in spec["hide"]:
        _hide(point + hidden)
    Path(point + _OLD_ROOT).mkdir()
    linux.pivot_root(point, point + _OLD_ROOT)
    # Only from here on do links such as /var/run lead to where they lead for the container.
    for mount in sorted(mounts, key=lambda mount: mount["target"]):
        _add_volume(mount)
    linux.unmount(_OLD_ROOT)
    Path(_OLD_ROOT).rmdir()
    for path in laid if spec["read_only"] else []:
        linux.make_read_only(path.removeprefix(point) or "/", recursive=False)


def _lay_over_host(point: str, layers: str, hide: tuple[str, ...]) -> list[str]:
    """Lay over `/`, then over each file system that is mounted somewhere below it."""
    mounts = [*host_mounts(Path("/proc/self/mountinfo").read_text())]
    if not _lay_over("/", point, f"{layers}/0", ""):
        raise OSError(0, "an overlay of / is refused", layers)
    laid = [point]
    for index, lower in enumerate(mounts, 1):
        if not _is_below(lower, hide) and _lay_over(lower, point + lower, f"{layers}/{index}", ""):
            laid.append(point + lower)
    return laid


def _lay_over_parts(point: str, layers: str, _hide: tuple[str, ...]) -> list[str]:
    """Lay over each directory of `/`: in a user namespace all of `/` at once is refused."""
    linux.mount("tmpfs", point, "tmpfs", linux.MS_NODEV, "mode=755")
    laid = [point]
    for entry in sorted(os.scandir("/"), key=lambda entry: entry.name):
        target = f"{point}/{entry.name}"
        if entry.is_symlink():
            Path(target).symlink_to(Path(entry.path).readlink())
        elif entry.is_dir() and entry.path not in _OWN:
            Path(target).mkdir()
            if _lay_over(entry.path, target, f"{layers}/{entry.name}", "userxattr,"):
                laid.append(target)
            else:
                _make_writable(entry.path, target)
    return laid


def _make_writable(path: str, target: str) -> None:
    """Replace what could only be shown read only where programs cannot do without writing."""
    private = {"/tmp": target, "/var": f"{target}/tmp", "/root": target}  # noqa: S108 - a path of the container
    if path in private:
        linux.mount("tmpfs", private[path], "tmpfs", linux.MS_NODEV, "mode=1777")


def _lay_over(lower: str, target: str, layer: str, options: str) -> bool:
    """Mount an overlay, or else the same read only; tell whether it became an overlay."""
    upper, work = f"{layer}/upper", f"{layer}/work"
    try:
        status = Path(lower).stat()
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError
        Path(upper).mkdir(parents=True)
        Path(work).mkdir()
        _copy_owner(status, upper)
        data = f"lowerdir={_escape(lower)},upperdir={_escape(upper)},workdir={_escape(work)}"
        linux.mount("overlay", target, "overlay", 0, options + data)
    except OSError:
        with suppress(OSError):
            linux.bind(lower, target, read_only=True)
        return False
    return True


def _copy_owner(status: os.stat_result, path: str) -> None:
    with suppress(OSError):  # an owner that a user namespace does not know
        os.chown(path, status.st_uid, status.st_gid)
    Path(path).chmod(stat.S_IMODE(status.st_mode))


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def host_mounts(mountinfo: str) -> Iterator[str]:
    """List the mount points below `/` that hold real files, parents first (proc(5)).

    Left out is what only costs each container of a pod an overlay more: the roots of other
    containers, of which a machine with Docker has many, and directories that are mounted on
    themselves, as container engines do with their storage.
    """
    seen: set[str] = set()
    lines = [line.partition(" - ") for line in mountinfo.splitlines()]
    whole = {fields.split()[2] for fields, *_ in lines if fields.split()[4] == "/"}
    for fields, _, source in lines:
        device, root, at = fields.split()[2:5]
        kind, path = source.split()[0], at.encode().decode("unicode_escape")
        shown_already = path == "/" or (root == at and device in whole)
        of_a_container = _is_below(path, _ENGINES) or _is_merged(kind, path)
        if not (shown_already or of_a_container or kind in _PSEUDO or _is_below(path, _OWN)):
            seen.add(path)
    yield from sorted(seen)


def _is_merged(kind: str, path: str) -> bool:
    """Tell whether this is the root of a container, as engines name it."""
    return "overlay" in kind and path.endswith("/merged")


def _is_below(path: str, parents: tuple[str, ...]) -> bool:
    return any(path == parent or path.startswith(f"{parent}/") for parent in parents)


def _add_system_directories(point: str, level: Level, *, privileged: bool) -> None:
    for name in ("proc", "sys", "dev", "run", HOME.lstrip("/")):
        Path(point, name).mkdir(exist_ok=True)
    proc = f"{point}/proc"
    linux.mount("proc", proc, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    if level == "root" and not privileged:
        for name in _READ_ONLY_PROC:
            with suppress(OSError):  # not every kernel has all of them
                linux.bind(f"{proc}/{name}", f"{proc}/{name}", read_only=True)
    linux.bind("/sys", f"{point}/sys", read_only=not privileged)
    linux.mount("tmpfs", f"{point}/run", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
    _keep_name_service(point)
    devices.add(f"{point}/dev", privileged=privileged)


def _keep_name_service(point: str) -> None:
    """Keep `/etc/resolv.conf` readable where it is a link into the host's `/run`."""
    real = os.path.realpath("/etc/resolv.conf")
    if real.startswith("/run/") and Path(real).is_file():
        copy = Path(point + real)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(Path(real).read_bytes())


def _hide(path: str) -> None:
    if Path(path).is_dir():
        linux.mount("tmpfs", path, "tmpfs", linux.MS_RDONLY, "size=4k,mode=755")


def _add_volume(mount: MountSpec) -> None:
    """Bind a volume; its mount point is made in the private root where it is missing."""
    source, target = _OLD_ROOT + mount["source"], Path(os.path.normpath(mount["target"]))
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.bind(source, str(target), read_only=mount["read_only"])

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

from gitlab_ci_provider.local.cluster.runtimes.process import linux
from gitlab_ci_provider.local.cluster.runtimes.process.spec import (
    HOME,
    Level,
    MountSpec,
    RootSpec,
)

_OWN = ("/proc", "/sys", "/dev", "/run", "/var/run")
"""Built anew or shown read only, never laid over."""

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
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
    "ptmx": "pts/ptmx",
}


def enter(spec: RootSpec, mounts: list[MountSpec], level: Level) -> None:
    """Make the private root of a container, with its volumes, the root of this process.

    Raises:
        OSError: a mount was refused; the file name says which.
    """
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    point = spec["point"]
    if level == "root":
        _lay_over_host(point, spec["layers"])
    else:
        _lay_over_directories(point, spec["layers"])
    _add_system_directories(point, privileged=spec["privileged"])
    for hidden in spec["hide"]:
        _hide(point + hidden)
    if spec["read_only"]:
        linux.make_read_only(point)
    for mount in sorted(mounts, key=lambda mount: mount["target"]):
        _add_volume(point, mount)
    linux.pivot_root(point)


def _lay_over_host(point: str, layers: str) -> None:
    """Lay over `/`, then over each file system that is mounted somewhere below it."""
    lowers = ["/", *host_mounts(Path("/proc/self/mountinfo").read_text())]
    for index, lower in enumerate(lowers):
        target = point if lower == "/" else point + lower
        if not _lay_over(lower, target, f"{layers}/{index}", "") and lower == "/":
            raise OSError(0, "an overlay of / is refused", layers)


def _lay_over_directories(point: str, layers: str) -> None:
    """Lay over each directory of `/`: in a user namespace all of `/` at once is refused."""
    linux.mount("tmpfs", point, "tmpfs", linux.MS_NODEV, "mode=755")
    for entry in sorted(os.scandir("/"), key=lambda entry: entry.name):
        target = f"{point}/{entry.name}"
        if entry.is_symlink():
            Path(target).symlink_to(Path(entry.path).readlink())
        elif entry.is_dir() and entry.path not in _OWN:
            Path(target).mkdir()
            if not _lay_over(entry.path, target, f"{layers}/{entry.name}", "userxattr,"):
                _make_writable(entry.path, target)


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
        data = (
            f"{options}lowerdir={_escape(lower)},upperdir={_escape(upper)},workdir={_escape(work)}"
        )
        linux.mount("overlay", target, "overlay", 0, data)
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
    """List the mount points below `/` that hold real files, parents first (proc(5))."""
    seen: set[str] = set()
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        path = before.split()[4].encode().decode("unicode_escape")
        if after.split()[0] not in _PSEUDO and path != "/" and not _is_below(path, _OWN):
            seen.add(path)
    yield from sorted(seen)


def _is_below(path: str, parents: tuple[str, ...]) -> bool:
    return any(path == parent or path.startswith(f"{parent}/") for parent in parents)


def _add_system_directories(point: str, *, privileged: bool) -> None:
    for name in ("proc", "sys", "dev", "run", HOME.lstrip("/")):
        Path(point, name).mkdir(exist_ok=True)
    linux.mount("proc", f"{point}/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    linux.bind("/sys", f"{point}/sys", read_only=not privileged)
    linux.mount("tmpfs", f"{point}/run", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=755")
    _keep_name_service(point)
    _add_devices(f"{point}/dev", privileged=privileged)


def _keep_name_service(point: str) -> None:
    """Keep `/etc/resolv.conf` readable where it is a link into the host's `/run`."""
    real = os.path.realpath("/etc/resolv.conf")
    if real.startswith("/run/") and Path(real).is_file():
        copy = Path(point + real)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(Path(real).read_bytes())


def _add_devices(dev: str, *, privileged: bool) -> None:
    linux.mount("tmpfs", dev, "tmpfs", linux.MS_NOSUID, "mode=755")
    names = [entry.name for entry in os.scandir("/dev")] if privileged else _DEVICES
    for name in names:
        if not Path("/dev", name).is_symlink() and name not in {"pts", "shm", "mqueue"}:
            _add_device(name, dev)
    for name, target in _DEVICE_LINKS.items():
        with suppress(FileExistsError):
            Path(dev, name).symlink_to(target)
    for name in ("pts", "shm"):
        Path(dev, name).mkdir()
    options = "newinstance,ptmxmode=0666,mode=620"
    linux.mount("devpts", f"{dev}/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, options)
    linux.mount("tmpfs", f"{dev}/shm", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")


def _add_device(name: str, dev: str) -> None:
    source, target = Path("/dev", name), Path(dev, name)
    with suppress(OSError):  # a device that this machine lacks or forbids
        target.mkdir() if source.is_dir() else target.touch()
        linux.bind(str(source), str(target))


def _hide(path: str) -> None:
    if Path(path).is_dir():
        linux.mount("tmpfs", path, "tmpfs", linux.MS_RDONLY, "size=4k,mode=755")


def _add_volume(point: str, mount: MountSpec) -> None:
    """Bind a volume; its mount point is made in the private root where it is missing."""
    target = Path(point + os.path.normpath(mount["target"]))
    if Path(mount["source"]).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.bind(mount["source"], str(target), read_only=mount["read_only"])

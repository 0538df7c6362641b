"""The system calls that Python 3.11 lacks, as functions that raise OSError.

Imported by the fork server, hence only the standard library and no other module of ours.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Iterable

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_SYS_MOUNT_SETATTR = 442
_SYS_PIVOT_ROOT = {
    "x86_64": 155,
    "aarch64": 41,
    "riscv64": 41,
    "loongarch64": 41,
    "ppc64le": 203,
    "s390x": 217,
    "i686": 217,
    "armv7l": 218,
}
_MOUNT_ATTR_RDONLY = 1
_AT_RECURSIVE = 0x8000
_AT_FDCWD = -100
_CAPABILITY_VERSION = 0x20080522
_WORD_BITS = 32

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    _fields_ = [
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones (unshare(2))."""
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    """Enter a namespace (setns(2))."""
    _check(_libc.setns(fd, flags), "setns")


def mount(
    source: str, target: str, fstype: str | None = None, flags: int = 0, data: str | None = None
) -> None:
    """Mount a file system (mount(2))."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        fstype.encode() if fstype else None,
        ctypes.c_ulong(flags),
        os.fsencode(data) if data else None,
    )
    _check(result, f"mount {fstype or 'bind'} on {target}")


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Show a file or directory, with all that is mounted below it, at another path."""
    mount(source, target, None, MS_BIND | MS_REC)
    if read_only:
        make_read_only(target)


def make_read_only(target: str, *, recursive: bool = True) -> None:
    """Make a mount read only, with all below it where the kernel can (5.12)."""
    attributes = _MountAttr(attr_set=_MOUNT_ATTR_RDONLY)
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    if result < 0:
        mount("none", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def unmount(target: str) -> None:
    """Detach a mount and all below it."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"unmount {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    """Make a mount the root of this mount namespace; the old one is then at `put_old`."""
    number = _SYS_PIVOT_ROOT[platform.machine()]
    result = _libc.syscall(ctypes.c_long(number), os.fsencode(new_root), os.fsencode(put_old))
    _check(result, "pivot_root")
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    """Get a signal when the parent dies; forgotten whenever credentials change."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of all orphaned descendants."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0), "prctl")


def forbid_new_privileges() -> None:
    """Make set-user-ID programs run without their privileges."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0), "prctl")


def drop_capability(number: int) -> bool:
    """Take a capability away for good; False when the kernel knows no such number."""
    return bool(_libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0) == 0)


def keep_capabilities(numbers: Iterable[int]) -> None:
    """Give up all capabilities but some, at once (capset(2)), as `exec` does by their bounds."""
    mask = sum(1 << number for number in numbers)
    words = [mask & 0xFFFFFFFF, mask >> _WORD_BITS]
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    # For each word of numbers: effective, permitted and inheritable.
    data = (ctypes.c_uint32 * 6)(*(value for word in words for value in (word, word, 0)))
    _check(_libc.capset(header, data), "capset")


def be_dumpable() -> None:
    """Own the files of this process in /proc again, which a change of credentials takes away."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(1), 0, 0, 0), "prctl")


def set_hostname(name: str) -> None:
    """Name the host of this UTS namespace."""
    data = name.encode()
    _check(_libc.sethostname(data, len(data)), "sethostname")

"""From the fork to the exec: what a new process does before it becomes the container's program."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import termios
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Never

from gitlab_ci_cluster.runtimes.process import linux, rootfs, warm
from gitlab_ci_cluster.runtimes.process.spec import HOME, Level, ProcessSpec
from gitlab_ci_cluster.runtimes.process.warm import WarmProgram

_LAST_CAPABILITY = 63
_CHANGED_SIGNALS = (
    *(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP),
    *(signal.SIGINT, signal.SIGTERM, signal.SIGCHLD),
)
"""Those that Python or the fork server handle or ignore; a program expects the defaults."""


Warm = Mapping[str, WarmProgram]
"""By their path, programs that the fork server has imported."""


def run(spec: ProcessSpec, fds: list[int], level: Level, warm_programs: Warm) -> Never:
    """Become a container's first process.

    `fds` are standard input, output and error, then where to write why it failed.
    """
    try:
        join_cgroups(spec)
        _begin()
        if spec["root"] is not None:
            linux.unshare(linux.CLONE_NEWNS)
            rootfs.enter(spec["root"], spec["mounts"], level)
            _give_home(spec)
        _become(spec, fds, warm_programs)
    except BaseException as error:  # noqa: BLE001 - a forked child must never return to its caller
        fail(fds[3], error)


def run_inside(spec: ProcessSpec, fds: list[int], warm_programs: Warm) -> Never:
    """Become a further process of a container whose namespaces have been entered."""
    try:
        _begin()
        _become(spec, fds, warm_programs)
    except BaseException as error:  # noqa: BLE001 - as above
        fail(fds[3], error)


def fail(status: int, error: BaseException) -> Never:
    """Report why a process could not be started, and end."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror
    os.write(status, text.encode(errors="replace")[:4000] or b"unknown error")
    os._exit(128)


def _give_home(spec: ProcessSpec) -> None:
    if spec["user"] is not None:
        with suppress(OSError):  # the root may be read only
            os.chown(HOME, spec["user"][0], spec["user"][1])


def _begin() -> None:
    linux.die_with_parent(signal.SIGKILL)
    os.setsid()


def join_cgroups(spec: ProcessSpec) -> None:
    """Put this process under the limits of its container."""
    for path in spec["cgroups"]:
        with suppress(OSError):  # limits are kept where the machine allows
            Path(path).write_text("0")


def _become(spec: ProcessSpec, fds: list[int], warm_programs: Warm) -> Never:
    _connect(fds, tty=spec["tty"])
    _enter_directory(spec["cwd"])
    _drop_privileges(spec)
    linux.die_with_parent(signal.SIGKILL)  # changing credentials forgets it
    for number in _CHANGED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    program = find_program(spec["argv"], spec["env"])
    imported = warm_programs.get(program)
    if imported is not None and warm.is_at(imported, program):
        warm.become(imported, program, spec)
    os.execve(program, spec["argv"], spec["env"])  # noqa: S606 - the very purpose


def _connect(fds: list[int], *, tty: bool) -> None:
    if tty:
        fds = [_open_terminal(fds[0])] * 3
    for target, fd in enumerate(fds[:3]):
        os.dup2(fd, target)
    if tty:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _open_terminal(connection: int) -> int:
    """Open a terminal of the container's own; its other end goes over a socket to the cluster."""
    ours, theirs = os.openpty()
    with socket.socket(fileno=connection) as sender:
        socket.send_fds(sender, [b"t"], [ours])
    os.close(ours)
    return theirs


def _enter_directory(path: str) -> None:
    with suppress(OSError):  # chdir says it better
        Path(path).mkdir(parents=True, exist_ok=True)
    os.chdir(path)


def _drop_privileges(spec: ProcessSpec) -> None:
    if spec["keep_capabilities"] is not None:
        for number in set(range(_LAST_CAPABILITY)) - set(spec["keep_capabilities"]):
            linux.drop_capability(number)
    if spec["no_new_privileges"]:
        linux.forbid_new_privileges()
    if spec["user"] is not None:
        uid, gid, groups = spec["user"]
        os.setgroups(groups)
        os.setgid(gid)
        os.setuid(uid)


def find_program(argv: list[str], env: Mapping[str, str]) -> str:
    """Find the program of a command line as the container's own PATH has it.

    Raises:
        OSError: with the words of runc, which users know from their clusters.
    """
    name = argv[0]
    if "/" in name:
        _require_executable(name)
        return name
    for candidate in _candidates(name, env.get("PATH", "").split(":")):
        if os.access(candidate, os.X_OK) and Path(candidate).is_file():
            return candidate
    raise OSError(f'exec: "{name}": executable file not found in $PATH')


def _candidates(name: str, directories: Iterable[str]) -> Iterable[str]:
    return (f"{directory or '.'}/{name}" for directory in directories)


def _require_executable(path: str) -> None:
    try:
        Path(path).stat()
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise OSError(f'exec: "{path}": stat {path}: {reason}') from error
    if not os.access(path, os.X_OK) or Path(path).is_dir():
        reason = os.strerror(errno.EACCES).lower()
        raise OSError(f'exec: "{path}": {reason}')

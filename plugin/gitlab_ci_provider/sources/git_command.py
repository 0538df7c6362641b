"""Git as it runs next to Airflow and in the command line: it runs nothing from a repository.

A repository's own configuration names programs: monitors of files, hooks, filters, pagers, helpers
for other protocols. A folder from a stranger contains them, so each is turned off here; the
configuration of the user and of the system stays in effect. Git itself refuses to work
in folders of other users.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.git_login import configuration
from gitlab_ci_provider.model.quoted import quoted

_OFF = MappingProxyType(
    {
        "core.fsmonitor": "false",
        "core.hooksPath": os.devnull,
        "core.alternateRefsCommand": "",
        "core.pager": "cat",
        "log.showSignature": "false",
        "submodule.recurse": "false",
        "fetch.recurseSubmodules": "false",
    }
)
_SILENCE = MappingProxyType({"GIT_HTTP_LOW_SPEED_LIMIT": "10", "GIT_HTTP_LOW_SPEED_TIME": "300"})
"""Bytes a second, and for how many seconds: git itself waits for a silent server for ever."""

_SSH = (
    "ssh -o BatchMode=yes -o ConnectTimeout=60 -o ServerAliveInterval=60 -o ServerAliveCountMax=5"
)
"""Asks nobody for a passphrase, and gives up a server that is silent for five minutes, as HTTP."""

_PROTOCOLS = "file:git:http:https:ssh"
"""Protocols that do not start a program named in the address (`ext::`)."""

_PLACES = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_NAMESPACE",
    }
)
"""Set in git's hooks, from which people may call us; they name a different repository."""

_LOCAL = re.compile(r"(?:local|worktree)")
_FILTER = r"^filter\..*\.(clean|smudge|process|required)$"
NOTHING: Mapping[str, str] = MappingProxyType({})


def run_git(
    arguments: Sequence[str], extra: Mapping[str, str] = NOTHING, *, most: int = -1
) -> subprocess.CompletedProcess[bytes]:
    """Run git; the caller looks at its exit code.

    Args:
        arguments: of git.
        extra: further variables of its environment, settings of git among them.
        most: so many bytes of its output are enough, after which it is ended; -1 for all of it.

    Raises:
        SourceError: it cannot be started with these arguments.
    """
    try:
        return _run(["git", *arguments], _environment(extra), most)
    except FileNotFoundError:
        raise SourceError("git is not installed") from None
    except (OSError, ValueError) as error:  # too long, or with a NUL
        raise SourceError(f"git cannot run this command: {error}") from error


def _run(
    command: list[str], environment: Mapping[str, str], most: int
) -> subprocess.CompletedProcess[bytes]:
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
        ) as process,
    ):
        try:
            output = process.stdout.read(most) if process.stdout else b""
        except BaseException:  # such as the end of the task's time: leaving waits for git
            process.kill()
            raise
        enough = len(output) == most
        if enough:
            process.kill()
        code = process.wait()
        words.seek(0)
        return subprocess.CompletedProcess(command, 0 if enough else code, output, words.read())


def git(arguments: Sequence[str], *, what: str, extra: Mapping[str, str] = NOTHING) -> bytes:
    """Run git and return its output.

    Args:
        arguments: of git.
        what: completes "cannot ...".
        extra: further variables of its environment.

    Raises:
        SourceError: git failed; the message has git's words.
    """
    try:
        done = run_git(arguments, extra)
    except SourceError as problem:
        raise SourceError(f"cannot {what}: {problem}") from problem
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace").strip()
    raise SourceError(f"cannot {what}: {_cut(said)}")


def by_ssh(folder: Path, extra: Mapping[str, str] = NOTHING) -> Mapping[str, str]:
    """Build what has ssh not wait for ever, unless the user says how git is to call it.

    Args:
        folder: in which git runs.
        extra: further variables of its environment.
    """
    if {"GIT_SSH", "GIT_SSH_COMMAND"} & os.environ.keys():
        return NOTHING
    chosen = run_git(["-C", str(folder), "config", "core.sshCommand"], extra).stdout
    return NOTHING if chosen else {"GIT_SSH_COMMAND": _SSH}


def without_filters(folder: Path) -> Mapping[str, str]:
    """Turn off the filters of a working copy's own configuration, for commands that read its files.

    Filters of the user's own configuration (Git LFS, as a rule) stay.
    """
    asked = ["config", "--show-scope", "--name-only", "--includes", "-z", "--get-regexp", _FILTER]
    listed = run_git(["-C", str(folder), *asked]).stdout.decode(errors="surrogateescape")
    fields = listed.split("\0")
    keys = [key for scope, key in zip(fields[::2], fields[1::2], strict=False)
            if _LOCAL.fullmatch(scope)]  # fmt: skip
    return configuration({key: "false" if key.endswith(".required") else "" for key in keys})


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Build the environment: git must not prompt, nor run what others wrote.

    Git reads what others have written, so it does not get Airflow's connections and keys.
    """
    settings = configuration(_OFF, extra)
    ours = {name: value for name, value in os.environ.items() if not _is_left_out(name)}
    return {
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        **_SILENCE,
        **ours,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
        **settings,
    }


def _is_left_out(name: str) -> bool:
    return name in _PLACES or name.startswith("AIRFLOW_")


def _cut(said: str) -> str:
    """Return git's message on one line, shortened: a server may send any amount of text."""
    return "\n".join(quoted(line, 400) for line in said.splitlines()[:20])


_LOOK_SECONDS = 0.2


def clear_locks(mirror: Path, ours: str) -> None:
    """Remove the locks that git has left, once no git process works there.

    Args:
        mirror: whose own lock, named `ours`, the caller holds: any git that still runs is an
            orphan, which ends by itself.
        ours: the name of that lock.
    """
    left = [path for path in mirror.glob("*.lock") if path.name != ours]
    while left and _is_busy(mirror):
        time.sleep(_LOOK_SECONDS)
    for path in left:
        path.unlink(missing_ok=True)


def _is_busy(mirror: Path) -> bool:
    """Return whether a git process works in a folder; without `/proc`, none is seen."""
    return any(_works_in(path, str(mirror).encode()) for path in Path("/proc").glob("[0-9]*"))


def _works_in(process: Path, folder: bytes) -> bool:
    try:
        program, *arguments = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return program.rpartition(b"/")[2] == b"git" and folder in arguments

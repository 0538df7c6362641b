"""Programs of the build engine's image that are known to ask no Docker daemon."""

from __future__ import annotations

from gitlab_ci_provider.docker_builds.shell import Command

_BUILTIN_NAMES = """
: [ [[ bg break cd continue echo exit export false getopts hash jobs kill local printf pwd read
readonly return set shift test times trap true type ulimit umask unset wait
"""
"""Without those that run text or files as commands: nobody can tell what is in them."""

_BUSYBOX_NAMES = """
arch awk base32 base64 basename bunzip2 bzcat bzip2 cat chgrp chmod chown cksum cmp comm cp cut
date dd df diff dirname dos2unix du egrep expand expr factor fgrep find fold free grep gunzip gzip
head hexdump hostname id install less link ln logname ls md5sum mkdir mkfifo mktemp more mv nc nl
nproc od paste patch printenv ps readlink realpath rev rm rmdir sed seq sha1sum sha256sum sha512sum
shuf sleep sort split stat sum sync tac tail tar tee touch tr truncate tty uname unexpand uniq
unix2dos unlink unzip uptime usleep wc wget which whoami xxd xz yes zcat
"""
_KNOWN = frozenset((_BUILTIN_NAMES + _BUSYBOX_NAMES).split())
SHADOWED = _KNOWN | {"docker", "docker-compose"}
"""What a function of the same name would hide."""

STEPS = frozenset(
    {"cd", "echo", "printf", "export", "mkdir", "cp", "mv", "rm", "touch", "pwd", "true", ":"}
)
"""What `&&` joins to a docker command as a step, and not as a question."""

_QUIET = frozenset({"echo", "printf", "true", ":", "pwd", "cd", "sleep"})
"""Pushing earlier does not skip a test; but `printf -v NAME` sets a variable."""


def is_quiet(command: Command) -> bool:
    """Return whether a command may stand between a build and its push."""
    return command.name in _QUIET and not any(word.source == "-v" for word in command.words)


def is_known(command: Command) -> bool:
    """Return whether the build engine's image has the program of a command."""
    return command.name in _KNOWN or not command.words

"""What helps against the usual reasons for which an engine cannot run a container."""

from __future__ import annotations

import re

PAGE = "docs/how-to/images.md"

_LIMITS = (
    'set `default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]` in the section '
    "[containers] of containers.conf, with numbers that `ulimit -Hn` and `ulimit -Hu` allow"
)
_CURES = (
    (r"RLIMIT_|setting rlimit", _LIMITS),
    (
        r"cgroups in hybrid mode",
        'set `runtime = "runc"` in the section [engine] of containers.conf, and install runc',
    ),
    (
        r"netavark|iptables",
        "install iptables, which netavark runs",
    ),
    (
        r"newuidmap|subuid|no subuid ranges",
        "install uidmap, and give your user a range in /etc/subuid and /etc/subgid",
    ),
    (
        r"[Pp]ermission denied.*sock|sock.*[Pp]ermission denied",
        "join the group of the engine's socket (`docker`), or run a rootless engine",
    ),
)


def cures(said: str) -> str:
    """Add to what engines have said what to do about it."""
    found = [cure for pattern, cure in _CURES if re.search(pattern, said)]
    return f"{said}. To cure it: {'; '.join([*found, f'see {PAGE}'])}"

"""What an author may tell the git that fetches the sources, which has the login of their server.

By variables of git's environment, of the job or exported by `hooks:pre_get_sources_script`, and by
settings of `git config` that such a hook makes. Everything that names a program, a file, a proxy, a
certificate or a place for the login is missing: those could be turned against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SWITCH = re.compile(r"[012]|true|false")
_NUMBER = re.compile(r"[0-9]{1,9}")

GIT_VARIABLES: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        (
            "GIT_TRACE",
            "GIT_TRACE_CURL",
            "GIT_TRACE_CURL_NO_DATA",
            "GIT_TRACE_PACKET",
            "GIT_TRACE_PERFORMANCE",
            "GIT_TRACE_REFS",
            "GIT_TRACE_SETUP",
            "GIT_TRACE_SHALLOW",
            "GIT_TRACE2",
            "GIT_TRACE2_PERF",
            "GIT_CURL_VERBOSE",
            "GIT_TRANSFER_TRACE",
        ),
        _SWITCH,
    ),
    "GIT_HTTP_LOW_SPEED_LIMIT": _NUMBER,
    "GIT_HTTP_LOW_SPEED_TIME": _NUMBER,
}
"""By name, what they may be; no value names a file, since a trace is part of the job's log."""

_SETTINGS = re.compile(
    r"http\.(?:version|postbuffer|lowspeedlimit|lowspeedtime|maxrequests|minsessions|useragent)"
    r"|core\.(?:compression|loosecompression|bigfilethreshold|deltabasecachelimit|packedgitlimit"
    r"|packedgitwindowsize|preloadindex|autocrlf|eol|safecrlf|filemode|ignorecase|longpaths"
    r"|precomposeunicode|quotepath)"
    r"|fetch\.(?:parallel|unpacklimit|fsckobjects|writecommitgraph|negotiationalgorithm)"
    r"|transfer\.(?:fsckobjects|unpacklimit)|protocol\.version"
    r"|pack\.(?:threads|windowmemory|packsizelimit|deltacachesize|window|depth)"
    r"|checkout\.(?:workers|thresholdforparallelism|defaultremote)|index\.(?:threads|version)"
    r"|submodule\.fetchjobs|feature\.manyfiles|advice\.[a-z]+"
    r"|lfs\.(?:concurrenttransfers|activitytimeout|dialtimeout|tlstimeout|keepalive|fetchinclude"
    r"|fetchexclude|transfer\.maxretries|transfer\.maxretrydelay|skipdownloaderrors)"
    r"|url\.https?://.+\.insteadof"
)
"""Keys in the form of `git config --list`. Addresses may be replaced by those of HTTP servers only:
the login is bound to the host of the repository, and no file of the machine is reached."""

_HARMLESS = re.compile(r"user\..*|author\..*|committer\..*|safe\.directory|init\..*|color\..*")
"""What means nothing to a fetch, so leaving it out needs no warning."""


def may_set(key: str) -> bool:
    """Return whether a setting of `git config` applies to the fetch."""
    return _SETTINGS.fullmatch(key) is not None


def is_harmless(key: str) -> bool:
    """Return whether a setting makes no difference to a fetch."""
    return _HARMLESS.fullmatch(key) is not None

"""Plain HTTP to an S3 server: the client, and what answers and errors say.

Addresses are signed, so they are secrets: no error may show one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    import urllib3

_BUSY = {
    *("SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling"),
    *("ConditionalRequestConflict", "OperationAborted"),
}
_NOT_IMPLEMENTED = 501
_CODE, _MESSAGE = (
    re.compile(rb"<%s>(.*?)</%s>" % (name, name), re.DOTALL) for name in (b"Code", b"Message")
)


def client(address: str, ca_bundle: str, **options: Any) -> urllib3.PoolManager:
    """Make the client for a server; proxies are those of the environment.

    Args:
        address: of the server.
        ca_bundle: path of certificates; empty for the system's.
        options: for the pools of connections.
    """
    import urllib3

    parts = urlsplit(address)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    options["ca_certs"] = ca_bundle or None
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def code_of(said: bytes) -> str:
    """Return S3's word for what went wrong; empty when the answer has none."""
    return _text(_CODE, said)


def words_of(status: int, said: bytes) -> str:
    """Describe a refusal: S3's word, or the status, and S3's message."""
    return f"{code_of(said) or status} {_text(_MESSAGE, said)}".rstrip()


def is_busy(status: int, code: str) -> bool:
    """Return whether another attempt may help after a refusal."""
    failed = status >= 500 and status != _NOT_IMPLEMENTED
    return failed or status == 429 or code in _BUSY


def without_address(error: Exception) -> str:
    """Describe a failure: the message of the innermost error contains no address."""
    while isinstance(reason := getattr(error, "reason", None) or error.__cause__, Exception):
        error = reason
    return f"{type(error).__name__}: {re.sub(r'[?][^ )]*', '', str(error))}"


def _text(pattern: re.Pattern[bytes], said: bytes) -> str:
    found = pattern.search(said)
    return found[1].decode("utf-8", "replace").strip()[:200] if found else ""

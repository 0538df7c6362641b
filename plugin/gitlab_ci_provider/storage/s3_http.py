"""Plain HTTP to an S3 server: the client, and what answers and errors say to people.

Addresses are signed, so they are secrets: no error may show one.
"""

from __future__ import annotations

import logging
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
_LONGEST = 300
"""Characters of what a server says; numbers of uploads at AWS have half of that."""

_TIME = re.compile("expired|not yet valid|not valid yet|request time", re.IGNORECASE)
_CLOCKS = (
    "addresses are signed for the time of a job: compare the clocks of the store and of Airflow's "
    "workers"
)
_KEYS = "correct the keys and `region_name` of the connection"
_RENEW = (
    "renew the keys and `session_token` of the connection; those of a role must outlive the job"
)
_PLACE = "correct `region_name` and `endpoint_url` of the connection"
_LATER = "the store has too much to do: start the job again later"
_ADVICE = {
    "NoSuchBucket": "create the bucket, or correct `bucket` of the connection",
    "AccessDenied": "let the keys of the connection do s3:GetObject, s3:PutObject, s3:ListBucket",
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch"), _KEYS),
    **dict.fromkeys(("ExpiredToken", "InvalidToken", "TokenRefreshRequired"), _RENEW),
    **dict.fromkeys(("AuthorizationHeaderMalformed", "PermanentRedirect"), _PLACE),
    **dict.fromkeys(("SlowDown", "Throttling", "ServiceUnavailable"), _LATER),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired"), _CLOCKS),
}
_REACH = "`endpoint_url` of the connection must be an address that the pods of jobs reach"
_TROUBLES = {
    "ConnectionRefusedError": _REACH,
    "gaierror": _REACH,
    "SSLCertVerificationError": "name the store's certificates in `ca_bundle` of the connection",
}
_QUERY = re.compile(r"[?][^ )]*X-Amz-[^ )]*")
_CODE, _MESSAGE, _UPLOAD = (
    re.compile(rb"<%s>(.*?)</%s>" % (name, name), re.DOTALL)
    for name in (b"Code", b"Message", b"UploadId")
)


def client(address: str, ca_bundle: str, **options: Any) -> urllib3.PoolManager:
    """Make the client for a server; proxies are those of the environment.

    Args:
        address: of the server.
        ca_bundle: path of certificates; empty for the system's.
        options: for the pools of connections.
    """
    import urllib3

    for name in ("urllib3.connection", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_without_signatures)
    parts = urlsplit(address)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    options["ca_certs"] = ca_bundle or None
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _without_signatures(record: logging.LogRecord) -> bool:
    """Take signatures out of what the client logs, such as answers that it cannot read."""
    record.msg, record.args, record.exc_info = _QUERY.sub("", record.getMessage()), (), None
    return True


def upload_id_of(said: bytes) -> str:
    """Return the number of a multipart upload that has begun; empty when the answer has none."""
    return _text(_UPLOAD, said)


def code_of(said: bytes) -> str:
    """Return S3's word for what went wrong; empty when the answer has none."""
    return _text(_CODE, said)


def words_of(status: int, said: bytes) -> str:
    """Describe a refusal: S3's word, or the status, S3's message, and what to do about it."""
    return refusal(code_of(said) or str(status), _text(_MESSAGE, said))


def refusal(code: str, message: str) -> str:
    """Describe a refusal by S3's word and message, and say what to do, if that is known."""
    said = f"{code} {message}".rstrip(" .")
    about_time = code == "AccessDenied" and _TIME.search(message)
    advice = _CLOCKS if about_time else _ADVICE.get(code, "")
    return f"{said}; {advice}" if advice else said


def is_busy(status: int, code: str) -> bool:
    """Return whether another attempt may help after a refusal."""
    failed = status >= 500 and status != _NOT_IMPLEMENTED
    return failed or status == 429 or code in _BUSY


def without_address(error: Exception) -> str:
    """Describe a failure, and say what to do: the innermost error's message has no address."""
    while inner := _inner(error):
        error = inner
    name = type(error).__name__
    said = f"{name}: {re.sub(r'[?][^ )]*', '', str(error))}"
    return f"{said}; {_TROUBLES[name]}" if name in _TROUBLES else said


def _inner(error: Exception) -> Exception | None:
    """Return what an error is about; urllib3 keeps it in different places."""
    places = (getattr(error, "reason", None), error.__cause__, *error.args[:1])
    return next((found for found in places if isinstance(found, Exception)), None)


def _text(pattern: re.Pattern[bytes], said: bytes) -> str:
    from html import unescape  # knows all entities, so it takes a while to import

    found = pattern.search(said)
    return unescape(found[1].decode("utf-8", "replace")).strip()[:_LONGEST] if found else ""

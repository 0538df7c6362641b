"""Signed addresses of single objects: permission to read or write one of them, for a time.

The rules are Amazon's: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
Pure, so that a plan stays a function of its input; botocore does the same with its own clock, and
importing it takes longer than making a whole plan. Tests compare both.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlsplit

from gitlab_ci_provider.model.object_store import StoreTarget

Method = Literal["GET", "PUT"]

LONGEST = 7 * 24 * 3600
"""Seconds; S3 accepts no longer periods."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How long an address can be used: from when, and for how many seconds."""

    start: datetime
    seconds: int


def signed_url(target: StoreTarget, method: Method, key: str, period: Period) -> str:
    """Sign the address of an object; without keys it stays unsigned, for a store without login.

    Args:
        target: the bucket, with its keys.
        method: what may be done with the object, any number of times.
        key: without the target's prefix.
        period: `start` in UTC.
    """
    url = _address(target, key)
    if not (target.access_key and target.secret_key):
        return url
    parts = urlsplit(url)
    day, moment = f"{period.start:%Y%m%d}", f"{period.start:%Y%m%dT%H%M%SZ}"
    scope = f"{day}/{target.region}/s3/aws4_request"
    query = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{target.access_key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(min(period.seconds, LONGEST)),
        "X-Amz-SignedHeaders": "host",
    }
    if target.session_token:
        query["X-Amz-Security-Token"] = target.session_token
    asked = "&".join(f"{name}={quote(query[name], safe='')}" for name in sorted(query))
    host = _host(url)
    request = f"{method}\n{parts.path}\n{asked}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
    signature = _sign(_signing_key(target, day), text).hex()
    return f"{url}?{asked}&X-Amz-Signature={signature}"


def _address(target: StoreTarget, key: str) -> str:
    """Build an object's address, without a query."""
    endpoint = target.endpoint_url.rstrip("/") or _amazon(target.region)
    path = quote(f"{target.prefix}{key}", safe="/~")
    if target.path_style:
        return f"{endpoint}/{target.bucket}/{path}"
    scheme, _, rest = endpoint.partition("://")
    return f"{scheme}://{target.bucket}.{rest}/{path}"


def _amazon(region: str) -> str:
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://s3.{region}.{domain}"


def _host(url: str) -> str:
    """Name the host as HTTP clients do: without the usual port."""
    parts = urlsplit(url)
    name = parts.netloc.rpartition("@")[2].lower()
    return name.removesuffix(f":{_PORTS.get(parts.scheme)}")


def _signing_key(target: StoreTarget, day: str) -> bytes:
    key = f"AWS4{target.secret_key}".encode()
    for part in (day, target.region, "s3", "aws4_request"):
        key = _sign(key, part)
    return key


def _sign(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()

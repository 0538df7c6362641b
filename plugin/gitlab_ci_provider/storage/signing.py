"""Signed addresses of single objects: permission to read or write one of them, for a time.

The rules are Amazon's: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
Pure, so that a plan stays a function of its input; botocore does the same with its own clock, and
importing it takes longer than making a whole plan. Tests compare both.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlsplit

from gitlab_ci_provider.model.object_store import StoreTarget

Method = Literal["GET", "HEAD", "PUT", "POST", "DELETE"]

LONGEST = 7 * 24 * 3600
"""Seconds; S3 accepts no longer periods."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How long an address can be used: from when, and for how many seconds."""

    start: datetime
    seconds: int


def signed_url(
    target: StoreTarget,
    method: Method,
    key: str,
    period: Period,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Sign the address of an object; without keys it stays unsigned, for a store without login.

    Args:
        target: the bucket, with its keys.
        method: what may be done with the object, any number of times.
        key: without the target's prefix.
        period: `start` in UTC.
        query: what is asked; part of the address.
        headers: that the request has to have, by their names in lower case.
    """
    url = _address(target, key)
    asked_for = dict(query or {})
    if not (target.access_key and target.secret_key):
        return f"{url}?{_query(asked_for)}" if asked_for else url
    day, moment = f"{period.start:%Y%m%d}", f"{period.start:%Y%m%dT%H%M%SZ}"
    scope = f"{day}/{target.region}/s3/aws4_request"
    signed = {"host": _host(url), **(headers or {})}
    names = ";".join(sorted(signed))
    asked = _query({**asked_for, **_claims(target, scope, moment, names, period)})
    sent = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    path = urlsplit(url).path
    request = f"{method}\n{path}\n{asked}\n{sent}\n{names}\nUNSIGNED-PAYLOAD"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
    signature = _sign(_signing_key(target, day), text).hex()
    return f"{url}?{asked}&X-Amz-Signature={signature}"


def _claims(
    target: StoreTarget, scope: str, moment: str, names: str, period: Period
) -> dict[str, str]:
    """Say who signs what, and for how long."""
    claims = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{target.access_key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(min(period.seconds, LONGEST)),
        "X-Amz-SignedHeaders": names,
    }
    token = target.session_token
    return {**claims, "X-Amz-Security-Token": token} if token else claims


def _query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(parameters[name], safe='')}" for name in sorted(parameters))


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

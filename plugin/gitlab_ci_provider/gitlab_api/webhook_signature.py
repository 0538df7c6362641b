"""Whether a request really comes from GitLab: its secret token, or its signature.

GitLab sends the secret token as it is, in `X-Gitlab-Token`. With a signing token it signs the
request instead, as the Standard Webhooks specification says: `webhook-signature` holds
`v1,<base64>`, the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>`. A connection with a
signing token takes signed requests only: they are new for a few minutes, and nobody on the way can
change them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.exceptions import SettingsError

_PREFIX = "whsec_"
_SHORTEST_KEY, _SHORTEST_TOKEN = 16, 16
_WINDOW = 300.0
"""Seconds by which the clocks of GitLab and of this machine may differ."""
_MOST_SIGNATURES = 8
"""There is more than one while a token is replaced."""

ID, TIMESTAMP, SIGNATURE, TOKEN = (
    *("webhook-id", "webhook-timestamp", "webhook-signature", "x-gitlab-token"),
)


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """What GitLab and we know, of one connection.

    Attributes:
        url: of the GitLab.
    """

    url: str
    token: str = field(default="", repr=False)
    signing_key: bytes = field(default=b"", repr=False)

    @property
    def usable(self) -> bool:
        """Return whether there is a secret at all: without one, nobody is let in."""
        return bool(self.token or self.signing_key)


def signing_key(token: str) -> bytes:
    """Read a signing token, `whsec_` and base64; empty for an empty one.

    Raises:
        SettingsError: it is something else. The message does not quote it.
    """
    if not token:
        return b""
    try:
        key = base64.b64decode(token.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not token.startswith(_PREFIX) or len(key) < _SHORTEST_KEY:
        raise SettingsError(f"the signing token is not like GitLab's: {_PREFIX} and base64")
    return key


def check_token(token: str) -> str:
    """Return a secret token.

    Raises:
        SettingsError: it is so short that it can be guessed.
    """
    if token and len(token) < _SHORTEST_TOKEN:
        words = f"the secret token of the webhook has less than {_SHORTEST_TOKEN} characters"
        raise SettingsError(words)
    return token


def may_come_in(secrets: WebhookSecrets, headers: Mapping[str, str], now: float) -> bool:
    """Return whether the headers are good: then the body is read."""
    if secrets.signing_key:
        return bool(headers.get(ID) and headers.get(SIGNATURE)) and _is_new(headers, now)
    given = headers.get(TOKEN, "").encode("utf-8", "surrogateescape")
    return bool(secrets.token) and hmac.compare_digest(given, secrets.token.encode())


def is_genuine(secrets: WebhookSecrets, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the body is what GitLab has signed; without a signing token, always."""
    if not secrets.signing_key:
        return True
    signed = b".".join((headers.get(ID, "").encode(), headers.get(TIMESTAMP, "").encode(), body))
    wanted = b"v1," + base64.b64encode(hmac.digest(secrets.signing_key, signed, hashlib.sha256))
    given = headers.get(SIGNATURE, "").encode("utf-8", "surrogateescape").split()
    genuine = False
    for one in given[:_MOST_SIGNATURES]:  # each: which of them is right must not show in the time
        genuine |= hmac.compare_digest(one, wanted)
    return genuine


def _is_new(headers: Mapping[str, str], now: float) -> bool:
    stamp = headers.get(TIMESTAMP, "")
    return stamp.isascii() and stamp.isdecimal() and len(stamp) < 16 and _near(int(stamp), now)


def _near(stamp: int, now: float) -> bool:
    return abs(now - stamp) <= _WINDOW

"""What a registry says when an image cannot be pulled: for good, or only just now.

The kubelet has no word for the difference. It tries again in any case, after 10, 20, 40 seconds.
"""

from __future__ import annotations

import re

FAILED = frozenset({"ErrImagePull", "RegistryUnavailable", "ImageInspectError"})
"""What the kubelet calls a try that has failed, with the words of registry or runtime."""

PULLING = FAILED | {"ImagePullBackOff"}
"""The kubelet alternates between the two; the second has those words only since Kubernetes 1.32."""

_PASSING = re.compile(
    r"too ?many ?requests|\b429\b|rate limit|\b50[0234]\b|unavailable|time-?out|timed out"
    r"|deadline exceeded|connection (refused|reset)|broken pipe|\bEOF\b|no such host"
    r"|no route to host|unreachable|temporar|try again|server misbehaving|short read"
    r"|unexpected commit digest|QPS exceeded",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"not found|manifest unknown|name unknown|does not exist|denied|unauthorized|forbidden"
    r"|authentication required|authorization failed|no basic auth|insufficient_scope"
    r"|invalid reference|no match for platform|x509|\b40[134]\b",
    re.IGNORECASE,
)


_QUOTED = re.compile(r'"([^"]*)"')
"""Names of images and addresses, which may hold any of these words."""


def is_final(words: str) -> bool:
    """Return whether pulling again is no use: there is no such image, or the login is refused."""
    said = _QUOTED.sub("", words)
    for name in _QUOTED.findall(words):
        if ":" in name or "/" in name:  # containerd names the image once more, without quotes
            said = said.replace(name, "")
    return bool(_FINAL.search(said)) and not _PASSING.search(said)

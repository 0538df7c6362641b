"""`include:remote`: a file from any allowed host, over HTTPS only.

Others write the configuration, so by default no address of a private network is contacted: the
name is resolved once, all its addresses are checked, and the connection goes to a checked one.
Each redirect is a new address and is checked like the first.
"""

from __future__ import annotations

import fnmatch
import http.client
import socket
import ssl
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.gitlab_api.limits import Deadline
from gitlab_ci_provider.model.quoted import hide_credentials, quoted
from gitlab_ci_provider.sources.addresses import is_public

MAX_BYTES = 5_000_000
MAX_REDIRECTS = 5
MAX_URL = 2048
"""Characters."""
_ALLOW = "allow it with --allow-remote, or the setting [gitlab_ci] include_hosts"
_HEADERS = {"User-Agent": "gitlab-dags"}
_AS_WRITTEN = "%/:=&?~#+!$,;'@()*[]"
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFiles:
    """Fetches files.

    Attributes:
        hosts: patterns of allowed host names, for example `*.example.com`.
        private: also allow addresses of private networks and of this machine.
        timeout: seconds for each step of a connection, and for a whole answer.
        ca_bundle: path of certificates; None means the system's.
    """

    hosts: Sequence[str] = ("*",)
    private: bool = False
    timeout: float = 30
    ca_bundle: str | None = None

    def fetch(self, url: str) -> bytes:
        """Fetch a file, following redirects to allowed hosts.

        Raises:
            SourceError: it must not or cannot be fetched.
        """
        for _ in range(MAX_REDIRECTS + 1):
            status, body, location = self._ask(url)
            if status in _REDIRECTS and location:
                url = _joined(url, location)
                continue
            if status >= 400:
                why = f"because of HTTP code `{status}` error!"
                raise SourceError(f"Remote file `{_told(url)}` could not be fetched {why}")
            return body
        raise SourceError(f"Remote file `{_told(url)}` could not be fetched: too many redirects")

    def _checked(self, url: str) -> SplitResult:
        parts = _parts(url)
        if parts is None:
            raise SourceError(f"Remote file `{_told(url)}` does not have a valid address!")
        host = (parts.hostname or "").rstrip(".")
        if not any(fnmatch.fnmatchcase(host, pattern.lower()) for pattern in self.hosts):
            message = f"Remote file `{_told(url)}` is on a host that is not allowed; {_ALLOW}"
            raise SourceError(message)
        return parts

    def _ask(self, url: str) -> tuple[int, bytes, str | None]:
        parts = self._checked(url)
        try:
            plain = self._connect(parts)
            with plain, Deadline(self.timeout) as deadline:
                deadline.watch(plain)
                with closing(self._secured(parts, plain)) as connection:
                    connection.request("GET", _path(parts), headers=_HEADERS)
                    answer = connection.getresponse()
                    body = answer.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            message = f"Remote file `{_told(url)}` could not be fetched: {quoted(str(error))}"
            raise SourceError(message) from error
        if len(body) > MAX_BYTES:
            raise SourceError(f"Remote file `{_told(url)}` is larger than {MAX_BYTES} bytes")
        return answer.status, body, answer.getheader("Location")

    def _secured(self, url: SplitResult, plain: socket.socket) -> http.client.HTTPSConnection:
        """Speak TLS on an existing connection; the name is not resolved again."""
        context = ssl.create_default_context(cafile=self.ca_bundle)
        host = url.hostname or ""
        connection = http.client.HTTPSConnection(host, url.port or 443, timeout=self.timeout)
        connection.auto_open = 0
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        return connection

    def _connect(self, url: SplitResult) -> socket.socket:
        port = url.port or 443
        *others, last = self._addresses(url.hostname or "", port)
        for address in others:
            try:
                return socket.create_connection((address, port), timeout=self.timeout)
            except OSError:
                continue  # the next one may answer
        return socket.create_connection((last, port), timeout=self.timeout)

    def _addresses(self, host: str, port: int) -> list[str]:
        """Resolve a name; one bad address is enough to refuse it."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(answer[4][0]) for answer in found))
        for address in addresses:
            if not self.private and not is_public(address):
                message = f"{quoted(host)} is at {address}, which is in a private network"
                raise SourceError(message)
        return addresses


def _parts(url: str) -> SplitResult | None:
    """Split a URL; None when it is not the address of a file on an HTTPS server."""
    if len(url) > MAX_URL or any(ord(letter) < 33 or ord(letter) == 127 for letter in url):
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:  # brackets, ports, full-width letters
        return None
    return parts if good else None


def _path(url: SplitResult) -> str:
    """Return the request target; characters that a request cannot have are percent-encoded."""
    path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
    return quote(path, safe=_AS_WRITTEN)


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # which will be refused as what it is


def _told(url: str) -> str:
    return quoted(hide_credentials(url))

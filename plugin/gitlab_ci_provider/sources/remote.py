"""`include:remote`: a file from any host that may be asked, over HTTPS only.

A configuration is other people's text, so by default no address of a private network is asked: the
name is looked up once, all its addresses are checked, and the connection goes to the checked one.
"""

from __future__ import annotations

import fnmatch
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from gitlab_ci_provider.exceptions import SourceError

MAX_BYTES = 5_000_000
MAX_REDIRECTS = 5
_ALLOW = "allow it with --allow-remote, or the setting [gitlab_ci] include_hosts"
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFiles:
    """Fetches files.

    Attributes:
        hosts: patterns of host names that may be asked, for example `*.example.com`.
        private: also ask addresses of private networks and of this machine.
        timeout: seconds for each step of a connection.
        ca_bundle: path of certificates; None means the system's.
    """

    hosts: Sequence[str] = ("*",)
    private: bool = False
    timeout: float = 30
    ca_bundle: str | None = None

    def fetch(self, url: str) -> bytes:
        """Fetch a file, following redirects to hosts that may be asked, too.

        Raises:
            SourceError: it must not or cannot be fetched.
        """
        for _ in range(MAX_REDIRECTS + 1):
            status, body, location = self._ask(self._checked(url))
            if status in _REDIRECTS and location:
                url = urljoin(url, location)
                continue
            if status >= 400:
                why = f"because of HTTP code `{status}` error!"
                raise SourceError(f"Remote file `{url}` could not be fetched {why}")
            return body
        raise SourceError(f"Remote file `{url}` could not be fetched: too many redirects")

    def _checked(self, url: str) -> SplitResult:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise SourceError(f"Remote file `{url}` does not have a valid address!")
        if not any(fnmatch.fnmatch(parts.hostname, pattern) for pattern in self.hosts):
            raise SourceError(f"Remote file `{url}` is on a host that may not be asked; {_ALLOW}")
        return parts

    def _ask(self, url: SplitResult) -> tuple[int, bytes, str | None]:
        shown = url.geturl()
        path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        try:
            connection = self._connect(url)
            connection.request("GET", path, headers={"User-Agent": "gitlab-dags"})
            answer = connection.getresponse()
            body = answer.read(MAX_BYTES + 1)
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise SourceError(f"Remote file `{shown}` could not be fetched: {error}") from error
        if len(body) > MAX_BYTES:
            raise SourceError(f"Remote file `{shown}` is larger than {MAX_BYTES} bytes")
        return answer.status, body, answer.getheader("Location")

    def _connect(self, url: SplitResult) -> http.client.HTTPSConnection:
        host, port = url.hostname or "", url.port or 443
        address = self._address(host, port)
        context = ssl.create_default_context(cafile=self.ca_bundle)
        plain = socket.create_connection((address, port), timeout=self.timeout)
        connection = http.client.HTTPSConnection(host, port, timeout=self.timeout)
        connection.sock = context.wrap_socket(plain, server_hostname=host)
        return connection

    def _address(self, host: str, port: int) -> str:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        for address in addresses:
            if not self.private and not ipaddress.ip_address(address).is_global:
                raise SourceError(f"{host} is at {address}, which is in a private network")
        return addresses[0]

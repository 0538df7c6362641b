"""How clients know the cluster: a bearer token and a self-signed certificate.

Clients of Kubernetes send no token without TLS. Both are kept in the cluster's folder, so that one
that is killed and started again keeps its identity for connected clients.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gitlab_ci_cluster.files import write_private
from gitlab_ci_cluster.objects.meta import now

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

_VALID_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What clients recognize the cluster by.

    Attributes:
        token: the only bearer token that is accepted.
        pem: a self-signed certificate for the host.
        key: of the certificate, PEM.
    """

    host: str
    token: str
    pem: str
    key: str

    def context(self, directory: Path) -> ssl.SSLContext:
        """Make the context of a server; `ssl` reads certificates from files only."""
        path = directory / ".tls.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            write_private(path, (self.key + self.pem).encode())
            context.load_cert_chain(path)
        finally:
            path.unlink(missing_ok=True)
        return context


def keep_identity(host: str, directory: Path) -> Identity:
    """Read the identity of the cluster of a folder; make one when it has none for this host."""
    path = directory / "identity.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Identity)
    except (FileNotFoundError, msgspec.MsgspecError):
        found = None
    if found is not None and found.host == host:
        return found
    made = _make(host)
    write_private(path, msgspec.json.encode(made))
    return made


def _make(host: str) -> Identity:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Identity(
        host=host,
        token=secrets.token_urlsafe(32),
        pem=_sign(host, key).decode(),
        key=key_pem.decode(),
    )


def _sign(host: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gitlab-ci embedded cluster")])
    moment = now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - dt.timedelta(days=1))
        .not_valid_after(moment + dt.timedelta(days=_VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def _names(host: str) -> list[x509.GeneralName]:
    from cryptography import x509

    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    for text in dict.fromkeys([host, "127.0.0.1", "::1"]):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            names.append(x509.DNSName(text))
    return names

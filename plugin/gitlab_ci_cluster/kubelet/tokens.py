"""Tokens of service accounts: what a kubelet fetches for projected volumes, signed by the cluster.

Unlike a real cluster, which lets nobody but its API server sign, the kubelet does it; a token is
not renewed while its pod runs, and our own API does not accept it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitlab_ci_cluster.files import write_private
from gitlab_ci_cluster.objects.meta import Obj
from gitlab_ci_cluster.objects.meta import now as _now

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ISSUER = "https://kubernetes.default.svc.cluster.local"
_SECONDS = 3600


class TokenIssuer:
    """Signs tokens with the key of a cluster; it is made when it is first needed.

    Args:
        directory: of the cluster, where the key is kept.
    """

    def __init__(self, directory: Path):
        self._path = directory / "service-accounts.pem"

    def issue(self, pod: Obj, source: Mapping[str, Any], now: float | None = None) -> bytes:
        """Give a token for the service account of a pod, as a volume asks for it."""
        moment = int(_now().timestamp() if now is None else now)
        metadata, account = pod["metadata"], pod["spec"]["serviceAccountName"]
        namespace = metadata["namespace"]
        claims = {
            "aud": [source.get("audience") or ISSUER],
            "exp": moment + int(source.get("expirationSeconds") or _SECONDS),
            "iat": moment,
            "iss": ISSUER,
            "kubernetes.io": {
                "namespace": namespace,
                "pod": {"name": metadata["name"], "uid": metadata["uid"]},
                "serviceaccount": {"name": account},
            },
            "nbf": moment,
            "sub": f"system:serviceaccount:{namespace}:{account}",
        }
        signed = f"{_part({'alg': 'ES256', 'typ': 'JWT'})}.{_part(claims)}"
        return f"{signed}.{_encoded(self._signature(signed.encode()))}".encode()

    def public_key(self) -> str:
        """Give the key that verifies the tokens, as PEM."""
        from cryptography.hazmat.primitives import serialization

        return (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def _signature(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        made = self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        return b"".join(number.to_bytes(32, "big") for number in utils.decode_dss_signature(made))

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        if self._path.exists():
            found = serialization.load_pem_private_key(self._path.read_bytes(), None)
            if isinstance(found, ec.EllipticCurvePrivateKey):
                return found
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_private(self._path, pem)
        return key


def _part(content: Mapping[str, object]) -> str:
    return _encoded(json.dumps(content, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

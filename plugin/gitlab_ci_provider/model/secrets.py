"""A secret that a job wants from a secrets provider: `secrets:`, variables expanded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSecret:
    """A field of a secret in HashiCorp Vault.

    Attributes:
        engine: `kv-v2`, `kv-v1` or `generic`.
        mount: path of the secrets engine.
        server, namespace: of VAULT_SERVER_URL and VAULT_NAMESPACE; empty when not set.
    """

    engine: str
    mount: str
    path: str
    field: str
    server: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSecret:
    """A secret in AWS Secrets Manager; `field` is a key of a secret that is a JSON object."""

    secret_id: str
    version_id: str = ""
    version_stage: str = ""
    field: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSecret:
    """One entry of `secrets:`: the variable that it becomes, and where its value is."""

    name: str
    source: VaultSecret | AwsSecret
    file: bool = True

    @property
    def path(self) -> str:
        """Name it as the rules of a connection do, see `hooks/secret_rules.py`."""
        source = self.source
        if isinstance(source, VaultSecret):
            return f"{source.mount}/{source.path}"
        return source.secret_id

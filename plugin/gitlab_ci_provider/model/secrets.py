"""A secret that a job wants from a secrets provider: `secrets:`, variables expanded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSecret:
    """A field of a secret in HashiCorp Vault.

    Attributes:
        engine: `kv-v2`, `kv-v1` or `generic`.
        mount: path of the secrets engine.
        key: path of the secret in it.
        server, namespace: of VAULT_SERVER_URL and VAULT_NAMESPACE; empty when not set.
    """

    engine: str
    mount: str
    key: str
    field: str
    server: str = ""
    namespace: str = ""
    provider: ClassVar[str] = "vault"

    @property
    def path(self) -> str:
        """Mount and path."""
        return f"{self.mount}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSecret:
    """A secret in AWS Secrets Manager; `field` is a key of a secret that is a JSON object."""

    secret_id: str
    version_id: str = ""
    version_stage: str = ""
    field: str = ""
    region: str = ""
    provider: ClassVar[str] = "aws_secrets_manager"

    @property
    def path(self) -> str:
        """Its id."""
        return self.secret_id


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpSecret:
    """A version of a secret in Google Cloud's Secret Manager.

    Attributes:
        path: `projects/<project>/secrets/<name>`.
    """

    path: str
    version: str = "latest"
    provider: ClassVar[str] = "gcp_secret_manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSecret:
    """A version of a secret in Azure Key Vault; an empty version is the latest.

    Attributes:
        server: of AZURE_KEY_VAULT_SERVER_URL; empty when not set.
    """

    name: str
    version: str = ""
    server: str = ""
    provider: ClassVar[str] = "azure_key_vault"

    @property
    def path(self) -> str:
        """Its name in the vault of the connection."""
        return self.name


Source = VaultSecret | AwsSecret | GcpSecret | AzureSecret
"""Each has a `provider`, GitLab's name of it, and a `path`, as rules of a connection name it, see
`hooks/secret_rules.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSecret:
    """One entry of `secrets:`: the variable that it becomes, and where its value is."""

    name: str
    source: Source
    file: bool = True

"""Secrets from Azure Key Vault, by an Airflow connection and Microsoft's own login.

Connection type `azure`: login and password are id and secret of an application, extra has its
`tenantId`; without a password it is the login of the worker, as for Airflow's Azure provider, with
`managed_identity_client_id` and `workload_identity_tenant_id`. Its `vault_url` names the vault.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from airflow.sdk import Connection

from gitlab_ci_provider.exceptions import ConfigurationFailure, SystemFailure
from gitlab_ci_provider.hooks.secret_errors import (
    ProviderDownError,
    not_installed,
    refused,
)
from gitlab_ci_provider.hooks.vault import same_address
from gitlab_ci_provider.model.secrets import AzureSecret

_VERSION = "7.4"
"""Of the API."""

_CLOUDS = ("vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net")
_SECONDS = 60


def read_azure(connection: Connection, secret: AzureSecret) -> str:
    """Read one version of one secret.

    Raises:
        SystemFailure: it cannot be had; the message says why, and holds no secret.
    """
    try:
        from azure.core.exceptions import AzureError, ClientAuthenticationError
    except ImportError:
        raise not_installed("Azure", "azure-identity") from None
    import requests

    where = f"'{secret.name}' in Azure Key Vault"
    extra: dict[str, Any] = connection.extra_dejson
    vault = _vault(extra, secret)
    try:
        token = _login(connection, extra).get_token(_scope(vault)).token
        answer = requests.get(
            "/".join(filter(None, (vault, "secrets", secret.name, secret.version))),
            params={"api-version": _VERSION},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_SECONDS,
            allow_redirects=False,
        )
    except ClientAuthenticationError:  # its words may be long, and name the tenant
        message = f"cannot read {where}: the login of connection '{connection.conn_id}' failed"
        raise ConfigurationFailure(message) from None
    except (AzureError, requests.RequestException) as problem:
        raise SystemFailure(f"cannot read {where}: {type(problem).__name__}") from None
    if answer.status_code != HTTPStatus.OK:
        raise refused(answer, f"Azure refused to give {where}")
    return _text(answer, where)


def _vault(extra: Mapping[str, Any], secret: AzureSecret) -> str:
    """Return the vault's address; a job cannot have the login sent to another one."""
    vault = str(extra.get("vault_url") or "").rstrip("/")
    if not vault.startswith("https://"):
        raise ConfigurationFailure("the connection's extra has no `vault_url` that begins https://")
    if secret.server and not same_address(secret.server, vault):
        message = "AZURE_KEY_VAULT_SERVER_URL is not the `vault_url` of the Airflow connection"
        raise ConfigurationFailure(message)
    return vault


def _scope(vault: str) -> str:
    cloud = next((known for known in _CLOUDS if vault.endswith(f".{known}")), _CLOUDS[0])
    return f"https://{cloud}/.default"


def _login(connection: Connection, extra: Mapping[str, Any]) -> Any:
    from azure.identity import ClientSecretCredential, DefaultAzureCredential

    # Only Microsoft's own clouds are listed at its directory of authorities.
    private = bool(os.environ.get("AZURE_AUTHORITY_HOST"))
    if connection.password:
        if not (connection.login and extra.get("tenantId")):
            raise ConfigurationFailure(
                "the connection needs login, password and, in extra, tenantId"
            )
        return ClientSecretCredential(
            str(extra["tenantId"]),
            connection.login,
            connection.password,
            disable_instance_discovery=private,
        )
    return DefaultAzureCredential(
        managed_identity_client_id=extra.get("managed_identity_client_id"),
        workload_identity_tenant_id=extra.get("workload_identity_tenant_id"),
        exclude_interactive_browser_credential=True,
    )


def _text(answer: Any, where: str) -> str:
    try:
        value = answer.json()["value"]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str):
        raise ProviderDownError(f"what Azure gives for {where} is not a secret")
    return value

"""Secrets from HashiCorp Vault, by an Airflow connection and the hook of Airflow's own provider.

Connection type `vault`, as `airflow.providers.hashicorp` documents it. The provider is optional.
"""

from __future__ import annotations

from typing import Any

from gitlab_ci_provider.exceptions import ConfigurationFailure, SystemFailure
from gitlab_ci_provider.gitlab_api.server import origin
from gitlab_ci_provider.hooks.secret_errors import (
    MissingSecretError,
    ProviderDownError,
    as_text,
    not_installed,
)
from gitlab_ci_provider.model.secrets import VaultSecret


def read_vault(conn_id: str, secret: VaultSecret) -> str:
    """Read one field of one secret.

    Raises:
        SystemFailure: it cannot be had; the message says why, and holds no secret.
    """
    try:
        from airflow.providers.hashicorp.hooks.vault import VaultHook
    except ImportError:
        raise not_installed("Vault", "apache-airflow-providers-hashicorp") from None
    import hvac.exceptions as errors
    import requests

    where = f"'{secret.path}' in Vault"
    try:
        client = VaultHook(vault_conn_id=conn_id).get_conn()
        _refuse_another_server(client, secret)
        found = client.read(_api_path(secret))
    except errors.VaultError as problem:
        raise _failure(problem, where) from None
    except requests.RequestException as problem:
        message = f"cannot read {where}: {type(problem).__name__}"
        raise SystemFailure(f"{message}: is the server of connection '{conn_id}' up?") from None
    return _field(found, secret, where)


def _api_path(secret: VaultSecret) -> str:
    data = "data/" if secret.engine == "kv-v2" else ""
    return f"{secret.mount}/{data}{secret.key}"


def _refuse_another_server(client: Any, secret: VaultSecret) -> None:
    """Fail when the job names another Vault than the connection."""
    if secret.server and not same_address(secret.server, client.url):
        raise ConfigurationFailure("VAULT_SERVER_URL is not the server of the Airflow connection")
    namespace = (client.adapter.namespace or "").strip("/")
    if secret.namespace and secret.namespace.strip("/") != namespace:
        raise ConfigurationFailure("VAULT_NAMESPACE is not the namespace of the Airflow connection")


def same_address(url: str, other: str) -> bool:
    """Return whether two addresses are of the same server; one that is none is of no server."""
    try:
        return origin(url) == origin(other)
    except ValueError:
        return False


def _field(found: Any, secret: VaultSecret, where: str) -> str:
    data = (found or {}).get("data")
    if secret.engine == "kv-v2":
        data = (data or {}).get("data")
    if not isinstance(data, dict) or data.get(secret.field) is None:
        raise MissingSecretError(f"there is no field '{secret.field}' at {where}")
    return as_text(data[secret.field], f"field '{secret.field}' at {where}")


def _failure(problem: Exception, where: str) -> SystemFailure:
    """Sort out what Vault has answered, by status as GitLab Runner does."""
    import hvac.exceptions as errors

    configured = (
        errors.InvalidRequest,
        errors.Unauthorized,
        errors.Forbidden,
        errors.InvalidPath,
        errors.ParamValidationError,
    )
    down = (
        errors.InternalServerError,
        errors.BadGateway,
        errors.VaultDown,
        errors.VaultNotInitialized,
    )
    said = "; ".join(map(str, getattr(problem, "errors", None) or ())) or type(problem).__name__
    message = f"Vault refused to give {where}: {said}"
    if isinstance(problem, configured) or type(problem) is errors.VaultError:
        return ConfigurationFailure(message)
    return ProviderDownError(message) if isinstance(problem, down) else SystemFailure(message)

"""Secrets from Google Cloud's Secret Manager, by an Airflow connection and Google's own login.

Connection type `google_cloud_platform`: extra may hold `keyfile_dict` or `key_path`, as for
Airflow's Google provider; with neither it is the login of the worker. `endpoint_url` names another
address of the service, such as a region's.
"""

from __future__ import annotations

import base64
import json
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
from gitlab_ci_provider.model.secrets import GcpSecret

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_ADDRESS = "https://secretmanager.googleapis.com"
_OTHER_LOGINS = ("key_secret_name", "credential_config_file", "impersonation_chain")
_SECONDS = 60


def read_gcp(connection: Connection, secret: GcpSecret) -> str:
    """Read one version of one secret.

    Raises:
        SystemFailure: it cannot be had; the message says why, and holds no secret.
    """
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import AuthorizedSession
    except ImportError:
        raise not_installed("Google Cloud", "google-auth") from None
    import requests

    opened: Any = AuthorizedSession  # the library has no types
    where = f"'{secret.path}' in GCP Secret Manager"
    extra: dict[str, Any] = connection.extra_dejson
    address = str(extra.get("endpoint_url") or _ADDRESS).rstrip("/")
    try:
        with opened(_login(extra)) as session:
            answer = session.get(
                f"{address}/v1/{secret.path}/versions/{secret.version}:access",
                timeout=_SECONDS,
                allow_redirects=False,
            )
    except GoogleAuthError as problem:
        message = f"cannot read {where}: the login of connection '{connection.conn_id}' failed"
        kind = SystemFailure if problem.retryable else ConfigurationFailure
        raise kind(f"{message}: {type(problem).__name__}") from None
    except requests.RequestException as problem:
        raise SystemFailure(f"cannot read {where}: {type(problem).__name__}") from None
    if answer.status_code != HTTPStatus.OK:
        raise refused(answer, f"Google Cloud refused to give {where}")
    return _text(answer, where)


def _login(extra: Mapping[str, Any]) -> Any:
    """Return the connection's credentials.

    Raises:
        ConfigurationFailure: it has none that can be used here.
    """
    import google.auth
    from google.oauth2 import service_account

    other = [key for key in _OTHER_LOGINS if extra.get(key)]
    if other:
        words = "use keyfile_dict, key_path or the login of the worker"
        raise ConfigurationFailure(f"the connection's extra has {other[0]}: {words}")
    key: Any = extra.get("keyfile_dict")
    accounts: Any = service_account.Credentials  # the library has no types
    try:
        if key:
            info = json.loads(key) if isinstance(key, str) else key
            return accounts.from_service_account_info(info, scopes=_SCOPES)
        if extra.get("key_path"):
            return accounts.from_service_account_file(extra["key_path"], scopes=_SCOPES)
    except (OSError, ValueError, TypeError, AttributeError):  # its words may quote the key
        raise ConfigurationFailure("the connection's extra holds no key of Google Cloud") from None
    return google.auth.default(scopes=_SCOPES)[0]


def _text(answer: Any, where: str) -> str:
    try:
        return base64.b64decode(answer.json()["payload"]["data"], validate=True).decode()
    except UnicodeDecodeError:
        raise ConfigurationFailure(f"{where} is binary, but a variable is text") from None
    except (ValueError, KeyError, TypeError):
        raise ProviderDownError(f"what Google Cloud gives for {where} is not a secret") from None

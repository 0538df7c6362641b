"""The keys of a connection that names none: those of the worker's own role, or of one it assumes.

boto3 finds them where it always looks: the environment, a profile, the token of a service account
(IRSA), EKS Pod Identity, the metadata of the machine. Roles that the connection names are assumed
by Airflow's `S3Hook`, the extra `amazon`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from airflow.sdk import Connection

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.storage.base import StorageUnavailableError


def with_keys(target: StoreTarget, connection: Connection) -> StoreTarget:
    """Add the keys of a role to a target, as new as possible: addresses end with them.

    Unchanged where nobody gives keys: a store without login.

    Raises:
        SettingsError: the role is refused, or the extra `amazon` is missing.
        StorageUnavailableError: who gives keys does not answer.
    """
    with _errors(connection.conn_id):
        found = _session(target, connection).get_credentials()
        keys = found.get_frozen_credentials() if found else None
    if keys is None:
        return target
    return replace(
        target,
        access_key=keys.access_key or "",
        secret_key=keys.secret_key or "",
        session_token=keys.token or "",
        keys_end=_end(found),
    )


def _end(credentials: Any) -> float:
    """Return when keys are over, in seconds since 1970; botocore has no public name for it."""
    end = getattr(credentials, "_expiry_time", None)
    return float(end.timestamp()) if end else 0.0


def _session(target: StoreTarget, connection: Connection) -> Any:
    if not connection.extra_dejson.get("role_arn"):
        import boto3

        return boto3.session.Session(region_name=target.region)
    try:
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    except ImportError:
        words = f"connection '{connection.conn_id}' names a role to assume"
        install = "install `airflow-provider-gitlab-ci[amazon]`"
        raise SettingsError(f"{words}, which Airflow's S3Hook does: {install}") from None
    return S3Hook(aws_conn_id=connection.conn_id).get_session(region_name=target.region)


@contextmanager
def _errors(conn_id: str) -> Iterator[None]:
    """Say in words who gave no keys."""
    from botocore import exceptions as aws

    try:
        yield
    except (aws.HTTPClientError, aws.ConnectionError, aws.MetadataRetrievalError) as problem:
        message = f"connection '{conn_id}' has no keys, and asking for those of a role failed"
        raise StorageUnavailableError(f"{message}: {problem}") from None
    except (aws.BotoCoreError, aws.ClientError) as problem:
        message = f"connection '{conn_id}' has no keys, and the role gives none"
        raise SettingsError(f"{message}: {problem}") from None

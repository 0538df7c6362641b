"""Secrets from AWS Secrets Manager, by an Airflow connection.

Connection type `aws`: login and password are the keys, none for those of the worker's own role;
extra may hold `region_name`, `endpoint_url`, `session_token`, as for Airflow's Amazon provider.
"""

from __future__ import annotations

import json
from typing import Any

from airflow.sdk import Connection

from gitlab_ci_provider.exceptions import ConfigurationFailure, SystemFailure
from gitlab_ci_provider.hooks.secret_errors import (
    MissingSecretError,
    ProviderDownError,
    as_text,
)
from gitlab_ci_provider.model.secrets import AwsSecret


def read_aws(connection: Connection, secret: AwsSecret) -> str:
    """Read one secret, or one field of it.

    Raises:
        SystemFailure: it cannot be had; the message says why, and holds no secret.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    where = f"'{secret.secret_id}' in AWS Secrets Manager"
    asked = {
        "SecretId": secret.secret_id,
        "VersionId": secret.version_id,
        "VersionStage": secret.version_stage,
    }
    try:
        client = _client(connection, secret.region)
        found = client.get_secret_value(**{key: value for key, value in asked.items() if value})
    except ClientError as problem:
        raise _failure(problem, where) from None
    except BotoCoreError as problem:
        raise SystemFailure(f"cannot read {where}: {problem}") from None
    text = found.get("SecretString")
    if text is None:
        raise ConfigurationFailure(f"{where} is binary, but a variable is text")
    return _field(str(text), secret.field, where) if secret.field else str(text)


def _client(connection: Connection, region: str) -> Any:
    import boto3
    from botocore.config import Config

    extra: dict[str, Any] = connection.extra_dejson
    return boto3.session.Session().client(
        "secretsmanager",
        endpoint_url=extra.get("endpoint_url") or None,
        region_name=region or extra.get("region_name") or None,
        aws_access_key_id=connection.login or None,
        aws_secret_access_key=connection.password or None,
        aws_session_token=extra.get("session_token") or None,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60),
    )


def _field(text: str, field: str, where: str) -> str:
    try:
        known = json.loads(text)
    except ValueError:
        raise ConfigurationFailure(f"{where} has no fields: it is not JSON") from None
    if not isinstance(known, dict) or field not in known:
        raise MissingSecretError(f"there is no field '{field}' at {where}")
    return as_text(known[field], f"field '{field}' at {where}")


def _failure(problem: Any, where: str) -> SystemFailure:
    code = str(problem.response.get("Error", {}).get("Code", ""))
    status = problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = f"AWS refused to give {where}: {code}"
    if code == "ResourceNotFoundException":
        return MissingSecretError(message)
    return ProviderDownError(message) if status >= 500 else ConfigurationFailure(message)

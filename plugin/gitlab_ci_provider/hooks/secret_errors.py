"""How reading a secret fails, for the reasons that GitLab Runner gives."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from gitlab_ci_provider.exceptions import ConfigurationFailure, FailureReason, SystemFailure

_SHOWN = 300


class MissingSecretError(SystemFailure):
    """The provider has no such secret, or the secret no such field."""

    reason = FailureReason.RUNNER_SYSTEM_FAILURE


class ProviderDownError(SystemFailure):
    """The provider itself has failed."""

    reason = FailureReason.RUNNER_EXTERNAL_DEPENDENCY_FAILURE


class ProviderNotFoundError(SystemFailure):
    """There is no connection to such a provider, or nothing that could use it."""

    reason = FailureReason.SECRETS_PROVIDER_NOT_FOUND


def not_installed(whence: str, package: str) -> ProviderNotFoundError:
    """Say which package is missing where secrets are read."""
    words = f"secrets from {whence} need the package {package}"
    return ProviderNotFoundError(f"{words}: install it where Airflow's workers run")


def refused(answer: Any, message: str) -> SystemFailure:
    """Sort out what a provider has answered over HTTP, by its status; its words are added.

    Args:
        answer: with the words of the provider as JSON.
        message: what was wanted.
    """
    status = int(answer.status_code)
    try:
        said = str(answer.json()["error"]["message"])[:_SHOWN]
    except (ValueError, KeyError, TypeError):
        said = ""
    words = f"{message}: {status} {said}".rstrip()
    if status == HTTPStatus.NOT_FOUND:
        return MissingSecretError(words)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return SystemFailure(words)
    return ProviderDownError(words) if status >= 500 else ConfigurationFailure(words)


def as_text(value: object, what: str) -> str:
    """Give the value of a variable.

    Raises:
        ConfigurationFailure: it is a list or an object, which is no text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    raise ConfigurationFailure(f"{what} is not a string, number or boolean")

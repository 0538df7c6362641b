"""`secrets:`: values from a secrets provider, before the job is planned.

They are variables of the job like masked ones: in its Secret, in no log, database or XCom.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.hooks.secret_errors import MissingSecretError, ProviderNotFoundError
from gitlab_ci_provider.hooks.secret_rules import refuse_unless_allowed
from gitlab_ci_provider.model.secrets import (
    AwsSecret,
    AzureSecret,
    GcpSecret,
    Source,
    VaultSecret,
    WantedSecret,
)
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.planner.build_settings import VariableReader, read_build_settings
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.planner.secrets import wanted_secrets
from gitlab_ci_provider.settings import Settings

_FIRST_PAUSE, _LONGEST_PAUSE = 5, 300
_STRICT = "FF_SECRET_RESOLVING_FAILS_IF_MISSING"

_log = logging.getLogger(__name__)


def with_secrets(
    request: PlanRequest,
    settings: Settings,
    *,
    has_pod: bool = False,
    sleep: Callable[[float], object] = time.sleep,
) -> PlanRequest:
    """Add the secrets of a job to its variables.

    Args:
        request: of the job.
        settings: of the installation.
        has_pod: its pod has them already and masks them: a provider that is away does not matter.
        sleep: waits a number of seconds.

    Raises:
        SystemFailure: one cannot be had, though it was tried as often as the job says.
    """
    variables = request.variables
    wanted = wanted_secrets(request.job, variables)
    if not wanted:
        return request
    attempts = 1 if has_pod else read_build_settings(variables.get).secrets_attempts
    _log.info("::group::Resolving secrets")
    try:
        found = _tried(wanted, request, settings, attempts, sleep)
    except SystemFailure as problem:
        if not has_pod:
            raise
        _log.warning("%s; the job's pod has its secrets already", problem)
        return request
    finally:
        _log.info("::endgroup::")
    return replace(request, from_provider=Variables(found))


def _tried(
    wanted: Sequence[WantedSecret],
    request: PlanRequest,
    settings: Settings,
    attempts: int,
    sleep: Callable[[float], object],
) -> list[Variable]:
    for number in range(1, attempts):
        try:
            return [_resolved(secret, request, settings) for secret in wanted]
        except SystemFailure as problem:
            pause = min(_FIRST_PAUSE * 2 ** (number - 1), _LONGEST_PAUSE)
            said = "%s; attempt %d of %d in %d s"
            _log.warning(said, problem, number + 1, attempts, pause)
            sleep(pause)
    return [_resolved(secret, request, settings) for secret in wanted]


def _resolved(wanted: WantedSecret, request: PlanRequest, settings: Settings) -> Variable:
    _log.info('Resolving secret "%s" with "%s"...', wanted.name, wanted.source.provider)
    try:
        value = _value(wanted, request, settings)
    except MissingSecretError:
        if VariableReader(request.variables.get).boolean(_STRICT, default=True):
            raise
        value = ""
    return Variable(name=wanted.name, value=value, file=wanted.file, masked=True, expand=False)


def _value(wanted: WantedSecret, request: PlanRequest, settings: Settings) -> str:
    source, run = wanted.source, request.run
    connection = _connection(_connections(settings)[source.provider], wanted)
    refuse_unless_allowed(
        wanted, connection.extra_dejson, run.project.path, protected=run.ref.protected
    )
    return _read(source, connection)


def _connections(settings: Settings) -> Mapping[str, str]:
    return {
        VaultSecret.provider: settings.vault_conn_id,
        AwsSecret.provider: settings.aws_secrets_conn_id,
        GcpSecret.provider: settings.gcp_secrets_conn_id,
        AzureSecret.provider: settings.azure_secrets_conn_id,
    }


def _read(source: Source, connection: Connection) -> str:
    """Ask the provider; no client of another one is imported."""
    match source:
        case VaultSecret():
            from gitlab_ci_provider.hooks.vault import read_vault

            return read_vault(connection.conn_id, source)
        case AwsSecret():
            from gitlab_ci_provider.hooks.aws_secrets import read_aws

            return read_aws(connection, source)
        case GcpSecret():
            from gitlab_ci_provider.hooks.gcp_secrets import read_gcp

            return read_gcp(connection, source)
        case AzureSecret():
            from gitlab_ci_provider.hooks.azure_secrets import read_azure

            return read_azure(connection, source)


def _connection(conn_id: str, wanted: WantedSecret) -> Connection:
    try:
        found: Connection = Connection.get(conn_id)
    except AirflowNotFoundException:
        message = f"secrets:{wanted.name}: there is no Airflow connection '{conn_id}'"
        raise ProviderNotFoundError(f"{message} to its secrets provider: add it") from None
    return found

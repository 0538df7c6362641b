"""`secrets:` of a job: where each value is, as GitLab's server tells the runner.

Unlike GitLab, the login at the provider is that of an Airflow connection, not a token of the job:
`token:` is read and has no effect, nor have the variables that say how to log in with it, such as
VAULT_AUTH_ROLE, AZURE_CLIENT_ID or GCP_WORKLOAD_IDENTITY_FEDERATION_POOL_ID. The connection says
which projects may read what.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.secrets import (
    AwsSecret,
    AzureSecret,
    GcpSecret,
    Source,
    VaultSecret,
    WantedSecret,
)
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.variables.expand import expand

_ENGINES = ("kv-v2", "kv-v1", "generic")
_FORBIDDEN = frozenset("?#%\\")
_GCP_PATH = re.compile(r"projects/[a-z0-9][a-z0-9.:-]{0,99}/secrets/[A-Za-z0-9_-]{1,255}")
_AZURE_NAME = re.compile(r"[A-Za-z0-9-]{1,127}")
_VERSION = re.compile(r"[A-Za-z0-9_-]{1,127}")
_ASSUMED = ("role_arn", "role_session_name")


def wanted_secrets(job: Job, variables: Variables) -> tuple[WantedSecret, ...]:
    """List the secrets of a job.

    Raises:
        SystemFailure: one cannot mean here what it means in GitLab; the message names it.
    """
    written: Any = job.as_written.get("secrets")
    return tuple(_wanted(written, variables)) if isinstance(written, Mapping) else ()


def _wanted(written: Mapping[str, Any], variables: Variables) -> Iterator[WantedSecret]:
    for name, secret in written.items():
        provider = next((known for known in _SOURCES if secret.get(known) is not None), None)
        if provider is None:
            raise _refused(name, "this secrets provider is not supported")
        source = _SOURCES[provider](name, secret[provider], variables)
        yield WantedSecret(name=name, source=source, file=secret.get("file") is not False)


def _vault(name: str, written: Any, variables: Variables) -> VaultSecret:
    """Read an entry; as a string it is `path/field`, or `path/field@mount` (GitLab's own rule)."""
    if isinstance(written, str):
        place, at, mount = written.rpartition("@")
        if not at:
            place, mount = mount, "kv-v2"
        path, _, field = place.rpartition("/")
        engine = {"name": "kv-v2", "path": mount}
    else:
        engine, path, field = written["engine"], written["path"], written["field"]
    secret = VaultSecret(
        engine=expand(str(engine["name"]), variables),
        mount=_path(name, expand(str(engine["path"]), variables)),
        key=_path(name, expand(str(path), variables)),
        field=expand(str(field), variables),
        server=variables.get("VAULT_SERVER_URL"),
        namespace=variables.get("VAULT_NAMESPACE"),
    )
    if secret.engine not in _ENGINES:
        raise _refused(name, f"the engine '{secret.engine}' is not one of {', '.join(_ENGINES)}")
    return secret


def _path(name: str, path: str) -> str:
    """Check a path of Vault: it must not mean another one than it says."""
    parts = path.strip("/").split("/")
    odd = not path.isprintable() or _FORBIDDEN & set(path)
    if odd or any(part in {"", ".", ".."} for part in parts):
        raise _refused(name, f"'{path}' is not a path of Vault")
    return "/".join(parts)


def _aws(name: str, written: Any, variables: Variables) -> AwsSecret:
    """Read an entry; as a string it is `secret_id`, or `secret_id#field` (GitLab's own rule)."""
    if isinstance(written, str):
        secret_id, _, field = written.partition("#")
        written = {"secret_id": secret_id, "field": field}
    text = {key: expand(str(value), variables) for key, value in written.items() if value}
    roles = [key for key in _ASSUMED if text.get(key)]
    if roles:
        raise _refused(name, f"{roles[0]} needs a token that AWS trusts; use the connection's role")
    return AwsSecret(
        secret_id=text["secret_id"],
        version_id=text.get("version_id", ""),
        version_stage=text.get("version_stage", ""),
        field=text.get("field", ""),
        region=text.get("region", "") or variables.get("AWS_REGION"),
    )


def _gcp(name: str, written: Any, variables: Variables) -> GcpSecret:
    """Read an entry; a name without a project is one of GCP_PROJECT_NUMBER."""
    path = expand(str(written["name"]), variables)
    if not path.startswith("projects/"):
        project = variables.get("GCP_PROJECT_NUMBER")
        if not project:
            raise _refused(name, "GCP_PROJECT_NUMBER is not set, and its name has no project")
        path = f"projects/{project}/secrets/{path}"
    if not _GCP_PATH.fullmatch(path):
        raise _refused(name, f"'{path}' is not a secret of GCP Secret Manager")
    return GcpSecret(path=path, version=_version(name, written, variables) or "latest")


def _azure(name: str, written: Any, variables: Variables) -> AzureSecret:
    """Read an entry; the vault is that of the connection."""
    secret = expand(str(written["name"]), variables)
    if not _AZURE_NAME.fullmatch(secret):
        raise _refused(name, f"'{secret}' is not a secret of Azure Key Vault")
    return AzureSecret(
        name=secret,
        version=_version(name, written, variables),
        server=variables.get("AZURE_KEY_VAULT_SERVER_URL"),
    )


def _version(name: str, written: Any, variables: Variables) -> str:
    given = written.get("version")
    version = "" if given is None else expand(str(given), variables)
    if version and not _VERSION.fullmatch(version):
        raise _refused(name, f"'{version}' is not a version")
    return version


_SOURCES: Mapping[str, Callable[[str, Any, Variables], Source]] = {
    "vault": _vault,
    "aws_secrets_manager": _aws,
    "gcp_secret_manager": _gcp,
    "azure_key_vault": _azure,
}


def _refused(name: str, why: str) -> ConfigurationFailure:
    message = f"secrets:{name}: {why}"
    return ConfigurationFailure(message)

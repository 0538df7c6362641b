"""`secrets:` of a job: where each value is, as GitLab's server tells the runner.

Unlike GitLab, the login at the provider is that of an Airflow connection, not a token of the job:
`token:` is read and has no effect, nor have VAULT_AUTH_ROLE and VAULT_AUTH_PATH. Which projects may
read what is said by the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.secrets import AwsSecret, VaultSecret, WantedSecret
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.variables.expand import expand

_ENGINES = ("kv-v2", "kv-v1", "generic")
_FORBIDDEN = frozenset("?#%\\")
_ASSUMED = ("role_arn", "role_session_name")


def wanted_secrets(job: Job, variables: Variables) -> tuple[WantedSecret, ...]:
    """List the secrets of a job.

    Raises:
        SystemFailure: one cannot mean here what it means in GitLab; the message names it.
    """
    written: Any = job.unhonoured.get("secrets")
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
        path=_path(name, expand(str(path), variables)),
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


_SOURCES: Mapping[str, Callable[[str, Any, Variables], VaultSecret | AwsSecret]] = {
    "vault": _vault,
    "aws_secrets_manager": _aws,
}


def _refused(name: str, why: str) -> SystemFailure:
    message = f"secrets:{name}: {why}"
    return SystemFailure(message, reason=FailureReason.RUNNER_CONFIGURATION_ERROR)

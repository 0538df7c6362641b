"""`secrets:` and `id_tokens:`: checked as GitLab does, kept as written."""

from __future__ import annotations

import re

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    mapping,
    strings_or_string,
    text,
)
from gitlab_ci_provider.config.raw import Map

PROVIDERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "vault": (("engine", "path", "field"), ("engine", "path", "field")),
    "azure_key_vault": (("name", "version"), ("name",)),
    "gcp_secret_manager": (("name", "version"), ("name",)),
    "aws_secrets_manager": (
        (
            "secret_id",
            "version_id",
            "version_stage",
            "region",
            "role_arn",
            "role_session_name",
            "field",
        ),
        ("secret_id",),
    ),
    "akeyless": (
        (
            "name",
            "data_key",
            "cert_user_name",
            "public_key_data",
            "csr_data",
            "akeyless_access_key",
            "akeyless_access_type",
            "akeyless_api_url",
            "akeyless_token",
            "azure_object_id",
            "gateway_ca_certificate",
            "gcp_audience",
            "k8s_auth_config_name",
            "k8s_service_account_token",
            "uid_token",
            "akeyless_access_id",
        ),
        (),
    ),
    "gitlab_secrets_manager": (("name", "source"), ("name",)),
}
"""Keys that each provider has, and those that it must have."""

_SOURCE = re.compile(r"project|group/[a-zA-Z0-9_\-./]+")
SECRET_KEYS = frozenset({*PROVIDERS, "file", "token"})
_AS_TEXT = ("vault", "aws_secrets_manager")


def check_secrets(field: Field) -> None:
    """Report what is wrong with a job's secrets."""
    if not isinstance(field.value, Map):
        field.refuse("should be a hash")
        return
    for name in field.value:
        secret = field.entry(name) or _nothing(field, name)
        if mapping(secret, SECRET_KEYS) and isinstance(secret.value, Map):
            _check_secret(secret, secret.value)


def _check_secret(field: Field, value: Map) -> None:
    used = [provider for provider in PROVIDERS if value.get(provider) is not None]
    if len(used) != 1:
        field.refuse(f"must use exactly one of these keys: {', '.join(PROVIDERS)}")
    if "gcp_secret_manager" in used and not value.get("token"):
        field.refuse_as("token is required with gcp secrets manager")
    field.get("file", boolean)
    field.get("token", text)
    for provider in used:
        entry = field.entry(provider)
        if entry and not (provider in _AS_TEXT and isinstance(entry.value, str)):
            _check_provider(entry, provider)


def _check_provider(field: Field, provider: str) -> None:
    allowed, required = PROVIDERS[provider]
    if not mapping(field, allowed, "should be a hash or a string"):
        return
    _check_required(field, required)
    if provider == "gitlab_secrets_manager":
        field.get("source", _check_source)
    engine = field.entry("engine") if provider == "vault" else None
    if engine and mapping(engine, ("name", "path")):
        _check_required(engine, ("name", "path"))


def _check_source(field: Field) -> None:
    source = text(field)
    if source is not None and not _SOURCE.fullmatch(source):
        field.refuse("must follow the format group/group_full_path or 'project'")


def _check_required(field: Field, required: tuple[str, ...]) -> None:
    missing = [key for key in required if not field.attribute(key)]
    if missing:
        field.refuse(f"missing required keys: {', '.join(missing)}")


def check_id_tokens(field: Field) -> None:
    """Report what is wrong with a job's tokens."""
    if not isinstance(field.value, Map):
        field.refuse("should be a hash")
        return
    for name in field.value:
        token = field.entry(name) or _nothing(field, name)
        if isinstance(token.value, Map) and "aud" in token.value:
            token.only(("aud",))
        else:
            token.refuse("missing required keys: aud")
        audience = token.attribute("aud")
        if audience is None or strings_or_string(audience) is None:
            token.refuse_as("aud should be an array of strings or a string")


def _nothing(field: Field, name: str) -> Field:
    label = f"{field.label}:{name}"
    return Field(Map(field.mark), label, f"{label} config", field.mark, field.diagnostics)

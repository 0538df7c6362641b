"""`secrets:` and `id_tokens:`: checked as GitLab does, kept as written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    is_blank,
    is_integer,
    mapping,
    strings_or_string,
    text,
)
from gitlab_ci_provider.config.raw import Map


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider of secrets takes.

    Attributes:
        required: the key that cannot be blank.
        short: what its secret looks like as a text; None when it has to be a mapping.
    """

    keys: tuple[str, ...]
    required: str | None = "name"
    short: re.Pattern[str] | None = None


PROVIDERS: Mapping[str, Provider] = {
    "vault": Provider(("engine", "path", "field"), "path", re.compile(r"")),
    "azure_key_vault": Provider(("name", "version")),
    "gcp_secret_manager": Provider(("name", "version")),
    "akeyless": Provider(
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
        None,
    ),
    "gitlab_secrets_manager": Provider(("name", "source")),
    "aws_secrets_manager": Provider(
        (
            "secret_id",
            "version_id",
            "version_stage",
            "region",
            "role_arn",
            "role_session_name",
            "field",
        ),
        "secret_id",
        re.compile(r"[^#]*(#[^#]*)?\Z"),
    ),
}
SECRET_KEYS = frozenset({*PROVIDERS, "file", "token"})
_SOURCE = re.compile(r"(project|group/[a-zA-Z0-9_./-]+)\Z")


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
    if sum(provider in value for provider in PROVIDERS) != 1:
        field.refuse(f"must use exactly one of these keys: {', '.join(PROVIDERS)}")
    field.read("file", boolean)
    field.get("token", text)
    if not is_blank(value.get("gcp_secret_manager")) and is_blank(value.get("token")):
        field.refuse_as("token is required with gcp secrets manager")
    for name, provider in PROVIDERS.items():
        entry = field.entry(name)
        if entry:
            _check_provider(entry, name, provider)


def _check_provider(field: Field, name: str, provider: Provider) -> None:
    if provider.short and isinstance(field.value, str):
        _check_short(field, field.value, provider.short)
    elif provider.short and not isinstance(field.value, Map):
        field.refuse_as("should be a hash or a string")
    elif mapping(field, provider.keys):
        if provider.required:
            _check_present(field, provider.required)
        _check_keys(field, name, provider)


def _check_short(field: Field, words: str, form: re.Pattern[str]) -> None:
    if is_blank(words):
        field.refuse("can't be blank")
    if not form.match(words):
        field.refuse("must contain at most one '#'")


def _check_keys(field: Field, name: str, provider: Provider) -> None:
    """Check what the keys hold: texts, but for a version of Google's and Vault's engine."""
    for key in provider.keys:
        if key == "engine":
            _check_engine(field)
        elif (name, key) == ("gcp_secret_manager", "version"):
            field.get(key, _alphanumeric)
        elif key == "source":
            field.get(key, _source)
        else:
            field.get(key, text)


def _check_engine(vault: Field) -> None:
    for key in ("field", "engine"):
        _check_present(vault, key)
    engine = vault.entry("engine")
    if engine is None:
        return
    if not isinstance(engine.value, Map):
        vault.refuse_as("engine should be a hash")
        return
    keys = ("name", "path")
    engine.only(keys)
    missing = [key for key in keys if key not in engine.value]
    if missing:
        engine.refuse(f"missing required keys: {', '.join(missing)}")
    for key in keys:
        _check_present(engine, key)
        engine.get(key, text)


def _check_present(field: Field, key: str) -> None:
    if isinstance(field.value, Map) and is_blank(field.value.get(key)):
        field.refuse_as(f"{key.replace('_', ' ')} can't be blank")


def _alphanumeric(field: Field) -> str | None:
    if isinstance(field.value, str) or is_integer(field.value):
        return str(field.value)
    field.refuse("must be an alphanumeric string")
    return None


def _source(field: Field) -> str | None:
    source = text(field)
    if source is not None and not _SOURCE.match(source):
        field.refuse("must follow the format group/group_full_path or 'project'")
    return source


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
    """Return an entry that is written without a value, which GitLab reads as an empty mapping."""
    label = f"{field.label}:{name}"
    return Field(Map(field.mark), label, f"{label} config", field.mark, field.diagnostics)

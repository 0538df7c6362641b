"""Keywords that nothing outside GitLab can honour in full: checked roughly, kept as written."""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.config.keywords.durations import expiry
from gitlab_ci_provider.config.keywords.fields import Field, mapping, strings_or_string, text
from gitlab_ci_provider.config.keywords.plain import plain
from gitlab_ci_provider.config.keywords.release import check_release
from gitlab_ci_provider.config.keywords.script import read_commands
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.rules.expression.regex import compile_pattern

KEPT = (
    "release",
    "pages",
    "publish",
    "secrets",
    "id_tokens",
    "identity",
    "dast_configuration",
    "run",
)
SECRET_KEYS = frozenset(
    {
        *("vault", "file", "token", "azure_key_vault", "gcp_secret_manager"),
        *("aws_secrets_manager", "akeyless", "gitlab_secrets_manager"),
    }
)


def read_kept(field: Field) -> Mapping[str, object]:
    """Collect the keywords that are kept as written."""
    if not isinstance(field.value, Map):
        return {}
    checks = {"id_tokens": _check_id_tokens, "secrets": _check_secrets, "run": _check_run}
    for key, check in checks.items():
        entry = field.entry(key)
        if entry:
            check(entry)
    _check_pages(field)
    release = field.entry("release")
    if release:
        check_release(release)
    return {key: plain(field.value[key]) for key in KEPT if field.value.get(key) is not None}


def read_hooks(field: Field) -> tuple[str, ...] | None:
    """Read `hooks:`; the only one is `pre_get_sources_script`."""
    if not mapping(field, ("pre_get_sources_script",)):
        return None
    return field.read("pre_get_sources_script", read_commands)


def read_coverage(field: Field) -> str | None:
    """Read `coverage:`, a regular expression between slashes."""
    pattern = text(field)
    if pattern is None:
        return None
    if compile_pattern(pattern) is None:
        field.refuse("must be a regular expression with re2 syntax")
    return pattern


def read_inputs(field: Field) -> Mapping[str, Mapping[str, object]] | None:
    """Read `inputs:` of a job."""
    if not isinstance(field.value, Map):
        field.refuse("should be a hash")
        return None
    read = {name: plain(value) for name, value in field.value.items()}
    return {name: value for name, value in read.items() if isinstance(value, dict)}


def _check_id_tokens(field: Field) -> None:
    for name in field.value if isinstance(field.value, Map) else ():
        token = field.entry(name)
        if token is None or not mapping(token, ("aud",)):
            continue
        if token.get("aud", strings_or_string) is None and not token.attribute("aud"):
            token.refuse("missing required keys: aud")


def _check_secrets(field: Field) -> None:
    if not isinstance(field.value, Map):
        field.refuse("should be a hash")
        return
    for name in field.value:
        secret = field.entry(name)
        if secret:
            mapping(secret, SECRET_KEYS)


def _check_run(field: Field) -> None:
    if not isinstance(field.value, Seq):
        field.refuse("should be an array")
        return
    for step in field.items():
        if not isinstance(step.value, Map):
            step.refuse("should be a hash")
        elif "name" not in step.value:
            step.refuse("missing required properties: name")


def _check_pages(field: Field) -> None:
    pages = field.entry("pages")
    if pages is None or isinstance(pages.value, bool):
        return
    if not isinstance(pages.value, Map):
        pages.refuse("should be a hash or a boolean value")
        return
    pages.only(("publish", "path_prefix", "expire_in"))
    pages.get("publish", text)
    pages.get("path_prefix", text)
    pages.get("expire_in", expiry)
    if "publish" in pages.value and field.attribute("publish"):
        field.refuse("please use either `publish` or `pages:publish`, use either one of them")

"""Keywords that the compiler only checks: later stages act on them, or GitLab alone does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gitlab_ci_provider.config.keywords.fields import Field, mapping, text
from gitlab_ci_provider.config.keywords.pages import check_pages
from gitlab_ci_provider.config.keywords.release import check_release
from gitlab_ci_provider.config.keywords.script import read_commands
from gitlab_ci_provider.config.keywords.secrets import check_id_tokens, check_secrets
from gitlab_ci_provider.config.keywords.steps import check_run
from gitlab_ci_provider.config.raw import Map, to_data

AS_WRITTEN = (
    "release",
    "pages",
    "publish",
    "secrets",
    "id_tokens",
    "identity",
    "dast_configuration",
    "run",
)


def read_as_written(field: Field) -> Mapping[str, object]:
    """Collect these keywords."""
    if not isinstance(field.value, Map):
        return {}
    for key, check in _CHECKS.items():
        entry = field.entry(key)
        if entry:
            check(entry)
    check_pages(field)
    return {
        key: to_data(field.value[key]) for key in AS_WRITTEN if field.value.get(key) is not None
    }


def read_hooks(field: Field) -> tuple[str, ...] | None:
    """Read `hooks:`; the only one is `pre_get_sources_script`."""
    if not mapping(field, ("pre_get_sources_script",)):
        return None
    return field.read("pre_get_sources_script", read_commands)


def _check_identity(field: Field) -> None:
    if field.value != "google_cloud":
        field.refuse(f"unknown value: {field.value}")


def _check_profiles(field: Field) -> None:
    profiles = ("site_profile", "scanner_profile")
    mapping(field, profiles)
    for profile in profiles:
        field.get(profile, text)


_CHECKS: Mapping[str, Callable[[Field], None]] = {
    "id_tokens": check_id_tokens,
    "secrets": check_secrets,
    "run": check_run,
    "release": check_release,
    "identity": _check_identity,
    "dast_configuration": _check_profiles,
}

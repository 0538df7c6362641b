"""`artifacts:`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gitlab_ci_provider.config.keywords.durations import expiry
from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    choice,
    exclusive,
    mapping,
    strings,
    strings_or_string,
    text,
)
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.model.artifacts import SAVE_WHEN, Artifacts

KEYS = (
    "name",
    "untracked",
    "paths",
    "reports",
    "when",
    "expire_in",
    "expose_as",
    "exclude",
    "public",
    "access",
)
REPORTS = frozenset(
    {
        "junit",
        "codequality",
        "sast",
        "secret_detection",
        "dependency_scanning",
        "sarif",
        "container_scanning",
        "dast",
        "performance",
        "browser_performance",
        "metrics",
        "lsif",
        "load_performance",
        "license_scanning",
        "license_management",
        "dotenv",
        "terraform",
        "accessibility",
        "requirements",
        "requirements_v2",
        "coverage_fuzzing",
        "api_fuzzing",
        "cluster_image_scanning",
        "repository_xray",
        "annotations",
        "coverage_report",
        "cyclonedx",
    }
)
COVERAGE_FORMATS = ("cobertura", "jacoco")
ACCESS = ("none", "developer", "maintainer", "all")
_EXPOSE_AS = re.compile(r"\A\w[-\w ]*\Z")


def read_artifacts(field: Field) -> Artifacts | None:
    """Read `artifacts:`."""
    if not mapping(field, KEYS):
        return None
    exclusive(field, "public", "access")
    reports = _reports_entry(field)
    artifacts = Artifacts(
        paths=field.get("paths", strings) or (),
        exclude=field.get("exclude", strings) or (),
        untracked=field.get("untracked", boolean) or False,
        name=field.get("name", text),
        when=field.get("when", lambda entry: choice(entry, SAVE_WHEN)) or "on_success",
        expire_in=field.get("expire_in", expiry),
        reports=_reports(reports) if reports else {},
        coverage_format=_coverage_format(reports) if reports else None,
        expose_as=field.get("expose_as", text),
        public=field.get("public", boolean) is not False,
        access=field.get("access", lambda entry: choice(entry, ACCESS)),
    )
    _check_exposed(field, artifacts)
    return artifacts


def _check_exposed(field: Field, artifacts: Artifacts) -> None:
    if artifacts.expose_as is None:
        return
    if not _EXPOSE_AS.match(artifacts.expose_as):
        field.refuse_as("expose as can contain only letters, digits, '-', '_' and spaces")
    if len(artifacts.expose_as) > 100:
        field.refuse_as("expose as is too long (maximum is 100 characters)")
    if not artifacts.paths:
        field.refuse_as("paths can't be blank")
    if any("*" in path for path in artifacts.paths):
        field.refuse_as("paths can't contain '*' when used with 'expose_as'")


def _reports_entry(field: Field) -> Field | None:
    reports = field.entry("reports")
    if reports is None or isinstance(reports.value, Map):
        return reports
    field.refuse_as("reports should be a hash")
    return None


def _reports(field: Field) -> Mapping[str, tuple[str, ...]]:
    if not mapping(field, REPORTS) or not isinstance(field.value, Map):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for kind in (kind for kind in field.value if kind in REPORTS):
        if kind == "coverage_report":
            coverage = field.entry(kind)
            found[kind] = _coverage_path(coverage) if coverage else ()
        else:
            found[kind] = field.get(kind, strings_or_string) or ()
    return found


def _coverage_path(field: Field) -> tuple[str, ...]:
    if not mapping(field, ("coverage_format", "path")):
        return ()
    for key in ("coverage_format", "path"):
        if not field.attribute(key):
            field.refuse_as(f"{key.replace('_', ' ')} can't be blank")
    path = field.get("path", text)
    return (path,) if path else ()


def _coverage_format(reports: Field) -> str | None:
    coverage = reports.entry("coverage_report")
    if coverage is None:
        return None
    return coverage.get("coverage_format", _supported_format)


def _supported_format(field: Field) -> str | None:
    if field.value in COVERAGE_FORMATS:
        return str(field.value)
    field.refuse(f"must be one of supported formats: {', '.join(COVERAGE_FORMATS)}.")
    return None

"""Reads the plan with the standard library alone.

`model/serialization.py` reads any model value, but importing msgspec takes half as long as all else
that `prepare` does before its first line, and every job waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.plan import (
    ArchiveLimits,
    ArtifactDownload,
    ArtifactUpload,
    CacheArchive,
    CacheRestore,
    DotenvUpload,
    GetSources,
    Grant,
    JobPlan,
    PartsGrant,
    PlanVariable,
    PreGetSources,
    ReportUpload,
    ServiceCheck,
    StorePlace,
)

Part = TypeVar("Part")

_LISTS: Mapping[str, type] = {
    "variables": PlanVariable,
    "restores": CacheRestore,
    "downloads": ArtifactDownload,
    "archives": CacheArchive,
    "uploads": ArtifactUpload,
    "reports": ReportUpload,
    "services": ServiceCheck,
    "reads": Grant,
    "writes": Grant,
    "parted": PartsGrant,
}
_SINGLE: Mapping[str, type] = {
    "sources": GetSources,
    "hook": PreGetSources,
    "dotenv": DotenvUpload,
    "store": StorePlace,
    "cache_store": StorePlace,
    "archive_limits": ArchiveLimits,
}


def read_plan(path: Path) -> JobPlan:
    """Read the plan of this pod.

    Raises:
        SystemFailure: there is no plan, or another version of this package has written it.
    """
    try:
        return decode_plan(path.read_bytes())
    except (OSError, ValueError, TypeError, KeyError) as error:
        # Only the type of the error: its message could quote the plan, which contains secrets.
        message = f"cannot read the plan {path} ({type(error).__name__}): is the helper image of "
        message += "the same version as the provider?"
        raise SystemFailure(message) from None


def decode_plan(data: bytes) -> JobPlan:
    """Turn JSON into a plan; raises TypeError for a part with unknown keys."""
    raw: dict[str, Any] = json.loads(data)
    for name, kind in _LISTS.items():
        raw[name] = tuple(_part(kind, part) for part in raw[name])
    for name, kind in _SINGLE.items():
        raw[name] = None if raw[name] is None else _part(kind, raw[name])
    for name in ("warnings", "id_tokens"):
        raw[name] = tuple(raw[name])
    return JobPlan(**raw)


def _part(kind: type[Part], raw: Mapping[str, Any]) -> Part:
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
    }
    return kind(**values)

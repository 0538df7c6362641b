"""When jobs last used what is in the object store, so that nothing in use is deleted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """The last job that was started with a cache; times are seconds since 1970.

    Attributes:
        name: GitLab's full key, suffix included; of a fallback key, that of the job's own cache.
        ref: of the job's pipeline.
        run: the ID of its run; empty in earlier versions.
    """

    object_key: str
    name: str
    ref: str
    job: str
    used_at: float
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactsUse:
    """The last job that was started with artifacts of a pipeline; times are seconds since 1970.

    Attributes:
        used_at: 0 for never.
        pruned_at: when some of them were deleted; 0 for never.
    """

    used_at: float = 0
    pruned_at: float = 0

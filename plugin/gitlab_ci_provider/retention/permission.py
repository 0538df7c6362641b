"""Whether a person may download an archive of artifacts: as in GitLab, not once it has expired.

What has expired stays in the bucket until it is deleted; the artifacts of a pipeline that runs, and
of the latest successful one of a ref, can be had beyond their time.

Unlike GitLab, which knows who asks, only `access: none` is refused here: a person with the keys of
the object store can read everything in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.retention.guard import Guard
from gitlab_ci_provider.storage.index import ArtifactIndex

NOBODY = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Decides about archives at one time, in seconds since 1970."""

    guard: Guard
    now: float

    def is_over(self, pipeline: int, expire_at: float | None) -> bool:
        """Tell whether artifacts of a pipeline have expired and nothing keeps them."""
        late = expire_at is not None and expire_at < self.now
        return late and self.guard.keeps(pipeline, self.now) is None

    def refusal(self, pipeline: int, index: ArtifactIndex | None) -> str:
        """Say why an archive may not be downloaded; empty when it may."""
        if index is None:
            return ""
        if index.access == NOBODY:
            return "nobody may download them (artifacts:access: none)"
        return "they have expired" if self.is_over(pipeline, index.expire_at) else ""

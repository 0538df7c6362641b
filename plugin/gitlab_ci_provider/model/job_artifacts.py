"""What a job has left in the object store: archives for later jobs, and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class JobArtifact:
    """An archive that a job left in the object store.

    Attributes:
        sha256: of the archive, in hexadecimal; empty for those of earlier versions.
        expire_at: seconds since 1970; None means never.
    """

    name: str
    object_key: str
    size: int = 0
    files: int = 0
    sha256: str = ""
    expire_at: int | None = None

    @property
    def object_keys(self) -> tuple[str, ...]:
        """Name its objects."""
        return (self.object_key,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactReport:
    """One kind of `artifacts:reports` that a job left in the object store.

    Attributes:
        kind: as in `artifacts:reports`.
        object_key: of the archive of the files.
        files: how many.
        size: of the archive, bytes.
        results_key: of the JSON with all that the files say; empty for kinds that are only kept.
        summary: numbers for people: of tests by status and their `time` in seconds, of `lines` and
            those `covered`, of findings by severity.
        failed: names of the first tests that failed, as far as there was room for them.
        problem: why some of it could not be read.
    """

    kind: str
    object_key: str
    files: int = 0
    size: int = 0
    results_key: str = ""
    summary: Mapping[str, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    problem: str = ""

    @property
    def object_keys(self) -> tuple[str, ...]:
        """Name its objects."""
        return tuple(filter(None, (self.object_key, self.results_key)))

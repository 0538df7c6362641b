"""A context for phases in this process: an object store in a folder, no pauses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.lazy_store import LazyStore
from gitlab_ci_provider.helper.output import Output
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.storage.base import ObjectStore, StorageUnavailableError
from gitlab_ci_provider.storage.filesystem import FilesystemStore


@dataclass
class BrokenStore(FilesystemStore):
    """A store that fails a number of times, with a given error."""

    folder: Path
    failures: int
    error: type[StorageError] = StorageUnavailableError

    def __post_init__(self) -> None:
        """Be a store in the folder beside."""
        super().__init__(self.folder)

    def get(self, key: str, path: Path) -> None:
        """Fail, or get."""
        self._fail(key)
        super().get(key, path)

    def put(self, key: str, path: Path) -> None:
        """Fail, or put."""
        self._fail(key)
        super().put(key, path)

    def _fail(self, key: str) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error(f"the store is down ({key})")


def make_context(
    folder: Path, *, store: ObjectStore | None = None, **parts: object
) -> PhaseContext:
    """Make the context of a job; `parts` are those of its plan."""
    project = folder / "builds" / "project"
    project.mkdir(parents=True, exist_ok=True)
    (folder / "control").mkdir(exist_ok=True)
    opened = store or FilesystemStore(folder / "objects")
    return PhaseContext(
        plan=JobPlan(job="job", project_dir=str(project), **parts),
        output=Output(),
        store=LazyStore(lambda: opened),
        sleep=lambda _: None,
        control=folder / "control",
    )

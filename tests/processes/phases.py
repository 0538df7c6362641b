"""A context for phases in this process: an object store in a folder, no pauses."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.lazy_store import LazyStore
from gitlab_ci_provider.helper.output import Output
from gitlab_ci_provider.model.plan import ArtifactUpload, CacheArchive, JobPlan
from gitlab_ci_provider.storage.base import (
    MissingObjectError,
    Progress,
    StorageUnavailableError,
    unwatched,
)
from gitlab_ci_provider.storage.object_store import ObjectStore

CACHE = CacheArchive(name="main", object_key="c/main.tar.zst", paths=("deps/",))
UPLOAD = ArtifactUpload(name="site", object_key="a/artifacts.zip", paths=("out/",))


@dataclass
class FolderStore:
    """Objects as files below a folder."""

    folder: Path

    def get(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Copy an object to a file, with its time."""
        if not (self.folder / key).is_file():
            raise MissingObjectError(f"there is no object {key} in {self.folder}")
        shutil.copy2(self.folder / key, path)
        progress(path.stat().st_size, path.stat().st_size)

    def put(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Copy a file to an object."""
        (self.folder / key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.folder / key)
        progress(path.stat().st_size, path.stat().st_size)

    def begin(self, *_: object) -> None:
        """Store objects as a whole."""

    def give_up_unused(self) -> None:
        """Have nothing to give up."""

    def keys(self) -> list[str]:
        """List all objects."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in files)


@dataclass
class BrokenStore(FolderStore):
    """A store that fails a number of times, with a given error."""

    failures: int = 0
    error: type[StorageError] = StorageUnavailableError

    def get(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Fail, or get."""
        self._fail(key)
        super().get(key, path, progress)

    def put(self, key: str, path: Path, progress: Progress = unwatched) -> None:
        """Fail, or put."""
        self._fail(key)
        super().put(key, path, progress)

    def _fail(self, key: str) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error(f"the store is down ({key})")


def make_context(folder: Path, *, store: ObjectStore | None = None, **parts: Any) -> PhaseContext:
    """Make the context of a job; `parts` are those of its plan."""
    project = folder / "builds" / "project"
    project.mkdir(parents=True, exist_ok=True)
    (folder / "control").mkdir(exist_ok=True)
    opened = store or FolderStore(folder / "objects")
    return PhaseContext(
        plan=JobPlan(job="job", project_dir=str(project), **parts),
        output=Output(),
        store=LazyStore(lambda: opened),
        sleep=lambda _: None,
        control=folder / "control",
    )


def write(folder: Path, name: str, text: str = "text") -> None:
    """Write a file into the working copy."""
    path = folder / "builds" / "project" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

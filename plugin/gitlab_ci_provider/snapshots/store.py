"""Compiled pipelines on disk: one JSON file a digest, one small record a DAG.

Layout below the folder::

    pipelines/<digest>.json      a Pipeline, written once, never changed
    projects/<dag id>.json       which pipeline a DAG shows now

The same pipeline gives the same bytes, so a commit that changes nothing of it writes nothing and
Airflow sees no new DAG version. Files appear whole or not at all.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.diagnostic import Diagnostic
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.serialization import decode, digest, encode

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRecord:
    """What is known of one DAG: that of a project, or of child pipelines of a project.

    Attributes:
        ref: the ref and commit that the snapshot was compiled at.
        digest: of the last good pipeline; empty when there never was one.
        diagnostics: of the last try, good or not.
        dag: name of the DAG; empty for the project's own one.
        parent: name of the DAG whose pipelines start this one as a child; empty for no child.
        bridge: the parent's `trigger:` job.
    """

    project: Project
    ref: Ref
    digest: str = ""
    config_path: str = ".gitlab-ci.yml"
    diagnostics: tuple[Diagnostic, ...] = ()
    dag: str = ""
    parent: str = ""
    bridge: str = ""

    @property
    def dag_name(self) -> str:
        """Name the DAG that shows the pipeline."""
        return self.dag or dag_id(self.project.path)


@dataclass(frozen=True, slots=True)
class SnapshotStore:
    """Reads and writes snapshots in one folder."""

    folder: Path

    def save_pipeline(self, pipeline: Pipeline) -> str:
        """Keep a pipeline and return its digest."""
        data = encode(pipeline)
        name = digest(data)
        path = self._pipeline_path(name)
        if not path.exists():
            _write(path, data)
        return name

    def load_pipeline(self, name: str) -> Pipeline:
        """Read a pipeline by digest.

        Raises:
            SourceError: it is not there, or was written by another version.
        """
        return _read(self._pipeline_path(name), Pipeline)

    def save_project(self, record: ProjectRecord) -> None:
        """Keep what is known of a project."""
        path = self._project_path(record.dag_name)
        data = encode(record)
        if not path.exists() or path.read_bytes() != data:
            _write(path, data)

    def load_project(self, dag: str) -> ProjectRecord:
        """Read a project's record by the name of its DAG.

        Raises:
            SourceError: the project was never synced here.
        """
        return _read(self._project_path(dag), ProjectRecord)

    def projects(self) -> list[str]:
        """List the DAG names of the projects, sorted."""
        return sorted(path.stem for path in (self.folder / "projects").glob("*.json"))

    def delete_project(self, dag: str) -> None:
        """Forget a project; its pipelines stay for the runs that use them."""
        self._project_path(dag).unlink(missing_ok=True)

    def _pipeline_path(self, name: str) -> Path:
        return self.folder / "pipelines" / f"{name}.json"

    def _project_path(self, dag: str) -> Path:
        return self.folder / "projects" / f"{dag}.json"


def _read(path: Path, kind: type[Value]) -> Value:
    try:
        return decode(path.read_bytes(), kind)
    except FileNotFoundError:
        message = f"no snapshot at {path}: run `gitlab-dags sync` for this project again"
        raise SourceError(message) from None
    except msgspec.DecodeError as error:
        message = f"snapshot {path} cannot be read ({error}): sync this project again"
        raise SourceError(message) from error


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # noqa: PTH101 - mkstemp made it private; Airflow's users differ
        os.replace(temporary, path)  # noqa: PTH105 - atomic, and names are plain strings here
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

"""Compiled pipelines on disk: one JSON file a digest, one small record a DAG.

Layout below the folder::

    pipelines/<digest>.json      a Pipeline, written once, never changed
    runs/<digest>.json           a PipelineRun, for the tasks of its run
    <kind>/<dag id>.json         which pipeline a DAG shows now; kinds are those of `DagKind`

The same pipeline gives the same bytes, so a commit that changes nothing of it writes nothing and
Airflow sees no new DAG version. Files appear whole or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import belongs_to
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.run import PipelineRun
from gitlab_ci_provider.model.serialization import decode, digest, encode
from gitlab_ci_provider.records.files import write_whole

Value = TypeVar("Value")


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
            write_whole(path, data)
        return name

    def load_pipeline(self, name: str) -> Pipeline:
        """Read a pipeline by digest.

        Raises:
            SourceError: it is not there, or was written by another version.
        """
        return _read(self._pipeline_path(name), Pipeline)

    def save_run(self, run: PipelineRun) -> str:
        """Keep the record of a created pipeline and return its digest."""
        data = encode(run)
        name = digest(data)
        write_whole(self._run_path(name), data)
        return name

    def load_run(self, name: str) -> PipelineRun | None:
        """Read the record of a created pipeline; None when it was removed since."""
        path = self._run_path(name)
        return _read(path, PipelineRun) if path.exists() else None

    def forget_runs(self, oldest: float) -> None:
        """Remove records from before a time, in seconds since 1970: Airflow has them, too."""
        for path in (self.folder / "runs").glob("*.json"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def save_dag(self, record: DagRecord) -> None:
        """Keep what is known of a DAG."""
        path = self._dag_path(record.kind, record.dag_id)
        data = encode(record)
        if not path.exists() or path.read_bytes() != data:
            write_whole(path, data)

    def load_dag(self, dag_id: str) -> DagRecord:
        """Read the record of a DAG.

        Raises:
            SourceError: there is none.
        """
        paths = [self._dag_path(kind, dag_id) for kind in DagKind]
        return _read(next((path for path in paths if path.exists()), paths[0]), DagRecord)

    def has_dag(self, dag_id: str) -> bool:
        """Tell whether there is a record of a DAG."""
        return any(self._dag_path(kind, dag_id).exists() for kind in DagKind)

    def touch(self, record: DagRecord) -> None:
        """Note that a DAG is being used."""
        self._dag_path(record.kind, record.dag_id).touch()

    def last_use(self, record: DagRecord) -> float:
        """Tell when a DAG was changed or used last, in seconds since 1970."""
        return self._dag_path(record.kind, record.dag_id).stat().st_mtime

    def dags(self, *kinds: DagKind) -> list[str]:
        """List the names of the DAGs of some kinds, by default of all, sorted."""
        folders = [self.folder / kind for kind in kinds or DagKind]
        return sorted(path.stem for folder in folders for path in folder.glob("*.json"))

    def delete_dag(self, dag_id: str) -> None:
        """Forget a DAG and those of its parts; pipelines stay for the runs that use them."""
        for kind in DagKind:
            for name in self.dags(kind):
                if name == dag_id or belongs_to(name, dag_id):
                    self._dag_path(kind, name).unlink(missing_ok=True)

    def _pipeline_path(self, name: str) -> Path:
        return self.folder / "pipelines" / f"{name}.json"

    def _run_path(self, name: str) -> Path:
        return self.folder / "runs" / f"{name}.json"

    def _dag_path(self, kind: DagKind, dag_id: str) -> Path:
        return self.folder / kind / f"{dag_id}.json"


def _read(path: Path, kind: type[Value]) -> Value:
    try:
        return decode(path.read_bytes(), kind)
    except FileNotFoundError:
        message = f"no snapshot at {path}: run `gitlab-dags sync` for this project again"
        raise SourceError(message) from None
    except msgspec.DecodeError as error:
        message = f"snapshot {path} cannot be read ({error}): sync this project again"
        raise SourceError(message) from error

"""The register of pipelines: their numbers, and which of a ref are running or have passed.

Files in the shared home folder, because it has to work for workers on several machines, with
every executor and on NFS: what must happen once is a file that only one process can create. To
find pipelines of a ref costs one listing of a folder, however many pipelines there are. Layout::

    pipelines/<thousand>/<id>             the entry, whole from its first moment
    runs/<hash of DAG and run>            the id: a cleared `create_pipeline` finds its number
    projects/<slug>/iids/<thousand>/<n>   one empty file a number that is taken
    projects/<slug>/refs/<slug>/all/      one empty file a pipeline of the ref, named by its id;
                       .../running/, .../success/   those that run, and those that have passed

Unlike GitLab, a crash in the middle may leave a number that no pipeline has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.serialization import decode, encode
from gitlab_ci_provider.records.files import write_whole
from gitlab_ci_provider.records.numbers import claim, claim_name, file_name, numbered_path

RUNNING = "running"
SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Register:
    """The pipelines of an installation, in one folder."""

    folder: Path

    def enter(self, entry: PipelineEntry) -> PipelineEntry:
        """Give a pipeline its numbers, or find those that its run got before."""
        known = self.of_run(entry.dag_id, entry.run_id)
        if known is None:
            known = self._number(entry)
        again = replace(known, status=RUNNING)
        if again != known:
            self._save(again)
        self._mark(again, "all")
        self._mark(again, RUNNING)
        return again

    def get(self, number: int) -> PipelineEntry | None:
        """Read a pipeline by CI_PIPELINE_ID."""
        path = numbered_path(self._entries, number)
        return decode(path.read_bytes(), PipelineEntry) if path.exists() else None

    def of_run(self, dag_id: str, run_id: str) -> PipelineEntry | None:
        """Find the pipeline of an Airflow run."""
        path = self._run(dag_id, run_id)
        return self.get(int(path.read_text())) if path.exists() else None

    def finish(self, number: int, status: str) -> None:
        """Record how a pipeline ended; one that was run again may end otherwise."""
        entry = self.get(number)
        if entry is None:
            return
        self._save(replace(entry, status=status))
        self._unmark(entry, RUNNING)
        change = self._mark if status == SUCCESS else self._unmark
        change(entry, SUCCESS)

    def running(self, project: str, ref: Ref) -> list[PipelineEntry]:
        """List the pipelines of a ref that have not ended, newest first.

        One whose Airflow run was stopped before `finish_pipeline` is among them: whoever finds
        that out calls `finish`.
        """
        found = (self.get(number) for number in self._marked(project, ref, RUNNING))
        return [entry for entry in found if entry is not None]

    def latest(
        self,
        project: str,
        ref: Ref,
        *,
        status: str = "all",
        accept: Callable[[PipelineEntry], bool] = lambda _: True,
    ) -> PipelineEntry | None:
        """Find the newest acceptable pipeline of a ref; status is `all`, `running` or `success`."""
        found = (self.get(number) for number in self._marked(project, ref, status))
        return next((entry for entry in found if entry is not None and accept(entry)), None)

    def numbers(self, project: str, ref: Ref) -> list[int]:
        """List the numbers of all pipelines of a ref, newest first."""
        return self._marked(project, ref, "all")

    @property
    def _entries(self) -> Path:
        return self.folder / "pipelines"

    def _number(self, entry: PipelineEntry) -> PipelineEntry:
        iid = claim(self._project(entry.project) / "iids", lambda _: b"")
        numbered = replace(entry, iid=iid)
        made = claim(self._entries, lambda number: encode(replace(numbered, id=number)))
        if not claim_name(self._run(entry.dag_id, entry.run_id), str(made).encode()):
            return self._winner(entry, loser=made)
        return replace(numbered, id=made)

    def _winner(self, entry: PipelineEntry, *, loser: int) -> PipelineEntry:
        """Give way to another process that created the same run's pipeline meanwhile."""
        numbered_path(self._entries, loser).unlink()
        winner = self.of_run(entry.dag_id, entry.run_id)
        if winner is None:
            raise SourceError(f"{self.folder} cannot be read back: is it on a shared disk?")
        return winner

    def _save(self, entry: PipelineEntry) -> None:
        write_whole(numbered_path(self._entries, entry.id), encode(entry))

    def _project(self, path: str) -> Path:
        return self.folder / "projects" / file_name(path)

    def _ref(self, project: str, ref: Ref, status: str) -> Path:
        return self._project(project) / "refs" / file_name(f"{ref.kind}-{ref.name}") / status

    def _run(self, dag_id: str, run_id: str) -> Path:
        key = hashlib.sha256(f"{dag_id}\0{run_id}".encode()).hexdigest()
        return self.folder / "runs" / key[:2] / key

    def _marked(self, project: str, ref: Ref, status: str) -> list[int]:
        with suppress(FileNotFoundError):
            names = (path.name for path in self._ref(project, ref, status).iterdir())
            return sorted((int(name) for name in names if name.isdecimal()), reverse=True)
        return []

    def _mark(self, entry: PipelineEntry, status: str) -> None:
        path = self._ref(entry.project, entry.ref, status) / str(entry.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def _unmark(self, entry: PipelineEntry, status: str) -> None:
        (self._ref(entry.project, entry.ref, status) / str(entry.id)).unlink(missing_ok=True)

"""The register of pipelines: their numbers, and which of a ref are running or have passed.

It works for workers on several machines and with every executor: what must happen once is a key
that only one process can create. To find the newest pipeline of a ref costs the first page of a
listing, however many pipelines there are. Keys::

    register/pipelines/<thousand>/<id>    the entry, stored whole from the start, or a reservation
    register/runs/<run>                   the id: a cleared `create_pipeline` finds its number
    register/downstream/<run>/<trigger>   the ID of the run that a job of a run starts
    register/projects/<project>/iids/<thousand>/<n>    a number that is taken
    register/projects/<project>/refs/<ref>/all/        the pipelines of the ref, newest first
                                          .../running/, .../success/   those that run or have passed

A number can be reserved, so that it is part of the ID of the run that will have it. Unlike GitLab,
a crash or a run that never starts may leave a number that no pipeline has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.pipeline_entry import PipelineEntry
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.run_ids import number_in, run_id
from gitlab_ci_provider.model.serialization import encode
from gitlab_ci_provider.records.numbers import (
    claim,
    from_newest_first,
    newest_first,
    numbered_key,
)
from gitlab_ci_provider.records.store import (
    RecordStore,
    key_name,
    read_document,
    run_name,
    update_document,
)

RUNNING = "running"
SUCCESS = "success"
_RESERVED = "reserved"

NEWEST = 100
"""Of the pipelines of a ref, and of those that have passed: as many as other pipelines look at."""

_ENTRIES = "register/pipelines/"


def _now() -> datetime:
    return datetime.now(UTC)


def _is_new(_run: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Register:
    """The pipelines of an installation."""

    store: RecordStore
    clock: Callable[[], datetime] = _now

    def enter(self, entry: PipelineEntry) -> PipelineEntry:
        """Assign numbers to a pipeline, or find those that its run already has."""
        known = self.of_run(entry.dag_id, entry.run_id)
        if known is None:
            known = self._number(entry)
        elif known.status != RUNNING:
            known = self._set_status(known.id, RUNNING) or known
        self._mark(known, "all")
        self._mark(known, RUNNING)
        return known

    def reserve(
        self, project: str, ref: str, sha: str = "", *, taken: Callable[[str], bool] = _is_new
    ) -> str:
        """Take the next CI_PIPELINE_ID for a run that is about to be started; returns its ID.

        Args:
            project: path of the project, in any of whose DAGs the run may be.
            ref: as in `run_id`, like `sha`.
            sha: the commit, if it is known.
            taken: whether there is a run of that ID, from before: a new state counts from 1 again.
        """
        while taken(run := self._reserve(project, ref, sha)):
            pass
        return run

    def _reserve(self, project: str, ref: str, sha: str) -> str:
        empty = PipelineEntry(
            project=project,
            dag_id="",
            run_id="",
            ref=Ref(name="", sha=""),
            source="api",
            digest="",
            created_at=self.clock().isoformat(),
            status=_RESERVED,
        )

        def reserved(number: int) -> bytes:
            return encode(replace(empty, id=number, run_id=run_id(ref, sha, number=number)))

        return run_id(ref, sha, number=claim(self.store, _ENTRIES, reserved))

    def reserve_downstream(
        self, dag_id: str, run_id: str, trigger: str, *, project: str, ref: Ref
    ) -> str:
        """Name the run that a job of a run starts: the same name in every process of that job.

        Args:
            dag_id: of the job.
            run_id: of the job.
            trigger: names the job and the occasion; part of a key.
            project: of the new pipeline.
            ref: of the new pipeline, with its commit.
        """
        key = f"{_downstream(dag_id, run_id)}{trigger}"
        known = self.store.read(key)
        if known is None:
            self.store.create(key, self.reserve(project, ref.name, ref.sha).encode())
            known = self.store.read(key)
        return (known or b"").decode()

    def get(self, number: int) -> PipelineEntry | None:
        """Read a pipeline by CI_PIPELINE_ID; None while the number is only reserved."""
        entry = self._read(number)
        return None if entry is None or entry.status == _RESERVED else entry

    def of_run(self, dag_id: str, run_id: str) -> PipelineEntry | None:
        """Find the pipeline of an Airflow run."""
        number = self.store.read(_run_key(dag_id, run_id))
        return self.get(int(number)) if number else None

    def reopen(self, number: int) -> None:
        """Record that a pipeline runs again: jobs of it were cleared after it had ended."""
        entry = self._set_status(number, RUNNING)
        if entry is not None:
            self._mark(entry, RUNNING)

    def finish(self, number: int, status: str) -> None:
        """Record how a pipeline ended; one that was run again may end otherwise."""
        entry = self._set_status(number, status)
        if entry is None:
            return
        self._unmark(entry, RUNNING)
        change = self._mark if status == SUCCESS else self._unmark
        change(entry, SUCCESS)

    def running(self, project: str, ref: Ref) -> list[PipelineEntry]:
        """List the pipelines of a ref that have not ended, newest first.

        This includes pipelines whose Airflow run was stopped before `finish_pipeline`: a caller
        that finds one calls `finish`.
        """
        return list(self._entries(project, ref, RUNNING))

    def latest(
        self,
        project: str,
        ref: Ref,
        *,
        status: str = "all",
        accept: Callable[[PipelineEntry], bool] = lambda _: True,
    ) -> PipelineEntry | None:
        """Find the newest acceptable pipeline of a ref; status is `all`, `running` or `success`."""
        return next(filter(accept, self._entries(project, ref, status)), None)

    def numbers(self, project: str, ref: Ref, status: str = "all") -> Iterator[int]:
        """List the numbers of pipelines of a ref, newest first."""
        for key in self.store.keys(_mark_prefix(project, ref, status)):
            yield from_newest_first(key.rpartition("/")[2])

    def forget(self, oldest: float) -> int:
        """Forget pipelines from before a time, but for open ones and the newest of each ref.

        So the largest numbers stay, and none is assigned twice. Returns how many were forgotten.

        Args:
            oldest: seconds since 1970.
        """
        names = (key.rpartition("/")[2] for key in self.store.keys(_ENTRIES))
        newest: dict[str, frozenset[int]] = {}
        forgotten = 0
        for number in sorted(int(name) for name in names if name.isdecimal()):
            entry = self._read(number)
            if entry is None:
                continue
            if _made(entry) >= oldest:
                break
            place = _mark_prefix(entry.project, entry.ref, "")
            if place not in newest:
                newest[place] = self._newest(entry)
            if entry.status != RUNNING and number not in newest[place]:
                self._forget(entry)
                forgotten += 1
        return forgotten

    def needs_orders(self, run: str, oldest: float) -> bool:
        """Return whether orders to a run can still matter: it is open, or younger than a time."""
        number = self.store.read(_run_place(run))
        entry = self.get(int(number)) if number else None
        return entry is not None and (entry.status == RUNNING or _made(entry) >= oldest)

    def _newest(self, entry: PipelineEntry) -> frozenset[int]:
        listed = (self.numbers(entry.project, entry.ref, status) for status in ("all", SUCCESS))
        return frozenset(number for found in listed for number in islice(found, NEWEST))

    def _forget(self, entry: PipelineEntry) -> None:
        """Delete what there is of a pipeline; the entry last, so that nothing is left behind."""
        for status in ("all", SUCCESS):
            self._unmark(entry, status)
        self.store.delete(numbered_key(f"{_project_prefix(entry.project)}iids/", entry.iid))
        for key in list(self.store.keys(_downstream(entry.dag_id, entry.run_id))):
            self.store.delete(key)
        self.store.delete(_run_key(entry.dag_id, entry.run_id))
        self.store.delete(numbered_key(_ENTRIES, entry.id))

    def _entries(self, project: str, ref: Ref, status: str) -> Iterator[PipelineEntry]:
        entries = map(self.get, self.numbers(project, ref, status))
        return (entry for entry in entries if entry is not None)

    def _read(self, number: int) -> PipelineEntry | None:
        return read_document(self.store, numbered_key(_ENTRIES, number), PipelineEntry)

    def _number(self, entry: PipelineEntry) -> PipelineEntry:
        iid = claim(self.store, f"{_project_prefix(entry.project)}iids/", _taken)
        numbered = replace(entry, iid=iid)
        made = self._take_reserved(numbered) or claim(
            self.store, _ENTRIES, lambda number: encode(replace(numbered, id=number))
        )
        if not self.store.create(_run_key(entry.dag_id, entry.run_id), _taken(made)):
            return self._winner(entry, loser=made)
        return replace(numbered, id=made)

    def _take_reserved(self, entry: PipelineEntry) -> int:
        """Enter a pipeline under the number that its run's ID begins with; 0 if it is not its own.

        A second process that creates the same run's pipeline gets the same number.
        """
        number = number_in(entry.run_id)
        known = self._read(number) if number else None
        own = (entry.project, entry.run_id)
        if known is None or (known.project, known.run_id) != own:
            return 0
        if known.dag_id not in {"", entry.dag_id}:
            return 0
        self.store.write(numbered_key(_ENTRIES, number), encode(replace(entry, id=number)))
        return number

    def _winner(self, entry: PipelineEntry, *, loser: int) -> PipelineEntry:
        """Yield to another process that has created the same run's pipeline."""
        winner = self.of_run(entry.dag_id, entry.run_id)
        if winner is not None and winner.id == loser:
            return winner
        self.store.delete(numbered_key(_ENTRIES, loser))
        if winner is None:
            where = self.store.location(_run_key(entry.dag_id, entry.run_id))
            raise StateError(f"{where} names no pipeline: delete it, then retry this task")
        return winner

    def _set_status(self, number: int, status: str) -> PipelineEntry | None:
        key = numbered_key(_ENTRIES, number)
        change = partial(_with_status, status=status)
        return update_document(self.store, key, PipelineEntry, change)

    def _mark(self, entry: PipelineEntry, status: str) -> None:
        self.store.write(_mark_key(entry, status), _taken(entry.id))

    def _unmark(self, entry: PipelineEntry, status: str) -> None:
        self.store.delete(_mark_key(entry, status))


def _with_status(entry: PipelineEntry | None, status: str) -> PipelineEntry | None:
    return entry and replace(entry, status=status)


def _taken(number: int) -> bytes:
    return str(number).encode()


def _made(entry: PipelineEntry) -> float:
    return datetime.fromisoformat(entry.created_at).timestamp()


def _run_key(dag_id: str, run_id: str) -> str:
    return _run_place(run_name(dag_id, run_id))


def _run_place(name: str) -> str:
    return f"register/runs/{name[:2]}/{name}"


def _downstream(dag_id: str, run_id: str) -> str:
    return f"register/downstream/{run_name(dag_id, run_id)}/"


def _project_prefix(project: str) -> str:
    return f"register/projects/{key_name(project)}/"


def _mark_prefix(project: str, ref: Ref, status: str) -> str:
    return f"{_project_prefix(project)}refs/{key_name(f'{ref.kind}-{ref.name}')}/{status}/"


def _mark_key(entry: PipelineEntry, status: str) -> str:
    return _mark_prefix(entry.project, entry.ref, status) + newest_first(entry.id)

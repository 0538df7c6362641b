"""What DAGs showed earlier, so that a run can go on with its own jobs after they have changed.

A version of a DAG bundle is a moment, `20260131T120000.250Z-3fa9c1b2`: that of the newest change of
any of its DAGs, and a digest of all of them. A DAG at that moment is the newest entry that is not
later. There is an entry for each change of what a DAG shows, not for each commit.

Key::

    snapshots/shown/<dag id>/<moment>.json    a DagRecord; never changes
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gitlab_ci_provider.exceptions import StateError
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.serialization import digest, encode
from gitlab_ci_provider.records.store import RecordStore, parse_document

_SHOWN = "snapshots/shown/"
_VERSION = re.compile(r"(\d{8}T\d{6}\.\d{3}Z)-[0-9a-f]{8}")
_GONE = "clear its tasks in the newest version of the DAG, or run the pipeline again"


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of an installation's DAGs, or the copies of them on one machine."""

    records: RecordStore

    def keep(self, moment: str, record: DagRecord) -> bool:
        """Store what a DAG shows since a moment; False if that was stored before."""
        return self.records.create(_key(record.dag_id, moment), encode(record))

    def copy(self, moment: str, record: DagRecord) -> None:
        """Store what another store keeps, whatever is left here of an earlier copy."""
        self.records.write(_key(record.dag_id, moment), encode(record))

    def has(self, dag: str, moment: str) -> bool:
        """Return whether there is an entry."""
        return self.records.read(_key(dag, moment)) is not None

    def at(self, dag: str, version: str) -> str:
        """Return since when a DAG shows what it showed in a version.

        Raises:
            StateError: there is no such version, or not any more.
        """
        found = _VERSION.fullmatch(version)
        moments = [moment for moment in self._moments(dag) if found and moment <= found[1]]
        if not moments:
            words = f"the DAG {dag} is not known any more as it was in version {version}"
            raise StateError(f"{words}: {_GONE}")
        return moments[-1]

    def load(self, dag: str, moment: str) -> DagRecord:
        """Read what a DAG shows since a moment.

        Raises:
            StateError: it is not there.
        """
        key = _key(dag, moment)
        data = self.records.read_blob(key)
        if data is None:
            raise StateError(f"{self.records.location(key)} does not exist: {_GONE}")
        record = parse_document(self.records, key, data, DagRecord, _GONE)
        check_name(self.records.location(key), record, dag)
        return record

    def dags(self) -> list[str]:
        """List the DAGs that have entries."""
        return sorted({key.removeprefix(_SHOWN).split("/")[0] for key in self.records.keys(_SHOWN)})

    def digests(self) -> set[str]:
        """List the digests of the pipelines that the entries show."""
        found = (self.load(dag, moment) for dag in self.dags() for moment in self._moments(dag))
        return {record.digest for record in found}

    def forget(self, oldest: float, there: Iterable[str]) -> None:
        """Remove entries that count only for versions from before a time.

        Args:
            oldest: in seconds since 1970.
            there: DAGs whose newest entry stays.
        """
        known = set(there)
        for dag in self.dags():
            moments = self._moments(dag)
            followed = [*moments[1:], *([] if dag in known else moments[-1:])]
            for moment, following in zip(moments, followed, strict=False):
                if following < moment_of(oldest):
                    self.records.delete(_key(dag, moment))

    def _moments(self, dag: str) -> list[str]:
        prefix = f"{_SHOWN}{dag}/"
        return sorted(
            key.removeprefix(prefix).removesuffix(".json") for key in self.records.keys(prefix)
        )


def check_name(place: str, record: DagRecord, dag: str) -> None:
    """Make sure that a record is that of the DAG in its key: it becomes a file with that name.

    Raises:
        StateError: it is that of another one.
    """
    if record.dag_id != dag:
        raise StateError(f"{place} is not the record of {dag}: delete it")


def moment_of(seconds: float) -> str:
    """Write a time, in seconds since 1970, so that the order of texts is that of times."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y%m%dT%H%M%S}.{thousandths:03}Z"


def version_of(changed: Mapping[str, float]) -> str:
    """Name the version in which each DAG was changed last at these times; empty without DAGs."""
    if not changed:
        return ""
    return f"{moment_of(max(changed.values()))}-{digest(encode(sorted(changed.items())))[:8]}"


def _key(dag: str, moment: str) -> str:
    return f"{_SHOWN}{dag}/{moment}.json"

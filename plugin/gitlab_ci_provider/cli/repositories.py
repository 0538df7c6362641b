"""Find a synced repository by any of the names that people give it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitlab_ci_provider.cli.usage import suggestion
from gitlab_ci_provider.exceptions import SourceError

if TYPE_CHECKING:
    from gitlab_ci_provider.model.dag_record import DagRecord
    from gitlab_ci_provider.snapshots.store import SnapshotStore


def find_repository(store: SnapshotStore, wanted: str) -> DagRecord:
    """Find a repository by any of its names.

    Raises:
        SourceError: there is none of that name.
    """
    from gitlab_ci_provider.discovery.repositories import clone_url
    from gitlab_ci_provider.model.dag_record import DagKind

    records = [store.load_dag(name) for name in store.dags(DagKind.PROJECT)]
    try:
        url = clone_url(wanted)
    except SourceError:
        url = ""  # a folder that has gone, or the path of a project
    for record in records:
        names = {record.title, record.project.path, record.dag_id, record.project.clone_url}
        if wanted in names or url == record.project.clone_url:
            return record
    known = [record.title for record in records]
    raise SourceError(f"the stack has no repository '{wanted}'{suggestion(wanted, known)}")

"""Find a project by any of the names that people give it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli.usage import suggestion
from gitlab_ci_provider.exceptions import SourceError

if TYPE_CHECKING:
    from gitlab_ci_provider.model.dag_record import DagRecord
    from gitlab_ci_provider.model.project import Project
    from gitlab_ci_provider.snapshots.store import SnapshotStore


def find_repository(store: SnapshotStore, wanted: str) -> DagRecord:
    """Find a repository that was synced.

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


def find_project(store: SnapshotStore, given: str) -> Project:
    """Find the project of a folder, a URL or a path such as `group/project`, synced or not."""
    from gitlab_ci_provider.discovery.repositories import clone_url, project_of
    from gitlab_ci_provider.model.dag_record import DagKind
    from gitlab_ci_provider.model.names import dag_id
    from gitlab_ci_provider.model.project import Project

    if "://" not in given and not Path(given).is_dir():
        known = store.find_dag(dag_id(given))
        return known.project if known else Project(path=given, clone_url="")
    asked = project_of(clone_url(given), "")
    projects = [store.load_dag(name).project for name in store.dags(DagKind.PROJECT)]
    same = (project for project in projects if project.clone_url == asked.clone_url)
    # Two folders of the same name have different paths: only the URL tells them apart.
    return next(same, asked)


def dag_named(given: str) -> str:
    """Name the DAG of a project in an Airflow whose state cannot be read from here."""
    from gitlab_ci_provider.discovery.repositories import project_of
    from gitlab_ci_provider.model.names import dag_id

    return dag_id(project_of(given, "").path if "://" in given else given)

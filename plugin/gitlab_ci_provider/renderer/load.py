"""What DAG files call: snapshots to DAGs. Reads finished snapshots only: no network, no YAML."""

from __future__ import annotations

import logging

from airflow.sdk import DAG, get_parsing_context

from gitlab_ci_provider.exceptions import SourceError, StateError
from gitlab_ci_provider.renderer.dag import render_dag
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_copies

log = logging.getLogger(__name__)


def load_dag(name: str, moment: str = "") -> DAG:
    """Render one DAG: a project's, another ref's or a child pipeline's.

    Args:
        name: of the DAG.
        moment: since when it showed what is rendered; empty: what it shows now.

    Raises:
        StateError: it was never synced, or not copied to this machine.
        SourceError: it never compiled.
    """
    settings = load_settings()
    snapshots = open_copies(settings)
    record = snapshots.versions.load(name, moment) if moment else snapshots.load_dag(name)
    if not record.digest:
        raise SourceError(f"{record.project.path} has no pipeline that compiles without errors")
    parsing = get_parsing_context()
    running = parsing.task_id if parsing.dag_id == name else None
    return render_dag(record, snapshots.load_pipeline(record.digest), settings, running=running)


def load_dags() -> dict[str, DAG]:
    """Render all DAGs, or only the one that a task needs.

    A DAG that cannot be read is logged and does not hide the others.

    Raises:
        StateError: there is no state: Airflow must not take that for an installation without DAGs.
    """
    wanted = get_parsing_context().dag_id
    snapshots = open_copies(load_settings())
    names = snapshots.dags()
    if not names:
        snapshots.check_exists()
    dags: dict[str, DAG] = {}
    for name in names:
        if wanted in {None, name}:
            try:
                dags[name] = load_dag(name)
            except (SourceError, StateError) as problem:
                log.error("%s: %s", name, problem)  # noqa: TRY400 - the message says it all
    return dags

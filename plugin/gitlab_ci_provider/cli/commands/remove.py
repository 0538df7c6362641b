"""`gitlab-dags remove`: forget a repository that the embedded stack has."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.usage import suggestion
from gitlab_ci_provider.exceptions import SourceError

if TYPE_CHECKING:
    from gitlab_ci_provider.local.home import Home
    from gitlab_ci_provider.model.dag_record import DagRecord
    from gitlab_ci_provider.snapshots.store import SnapshotStore


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "remove",
        help="forget a repository",
        description="Remove a repository's DAGs from the embedded stack, with those of its "
        "branches and child pipelines and with their runs. Caches, artifacts and log files stay.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.snapshots.dag_files import write_dag_files
    from gitlab_ci_provider.state import open_state

    home = default_home()
    home.make()
    store = open_state(home_settings(home.data)).snapshots
    record = _find(store, args.project)
    dags = [record.dag_id, *store.dags(part_of=record.dag_id)]
    store.delete_dag(record.dag_id)
    write_dag_files(store, home.dags)
    _forget_runs(home, dags)
    output.say(f"removed {record.title}")
    return 0


def _find(store: SnapshotStore, wanted: str) -> DagRecord:
    """Find a repository by the name that a person has for it.

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


def _forget_runs(home: Home, dags: list[str]) -> None:
    """Have a running Airflow forget the DAGs with their runs; one that starts later finds none."""
    from gitlab_ci_provider.local.stack.state import connect, read_state
    from gitlab_ci_provider.local.stack.use import attached

    state = read_state(home)
    if state is None:
        return
    with attached(home):
        api = connect(home, state, output.note)
        for dag in dags:
            api.delete_dag(dag)

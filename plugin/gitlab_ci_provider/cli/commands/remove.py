"""`gitlab-dags remove`: remove a repository from the embedded stack."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.repositories import find_repository
from gitlab_ci_provider.model.airflow_states import RUN_ENDED

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.model.dag_record import DagRecord
    from gitlab_ci_provider.snapshots.holds import Holds

_LISTED = 3


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "remove",
        help="remove a repository from the embedded stack",
        description="Remove the DAGs of a repository from the embedded stack: its own, those of "
        "its branches and child pipelines, and all their runs. Caches, artifacts and log files "
        "are kept. A repository with runs that have not ended is not removed.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    parser.add_argument("--force", action="store_true", help="stop its runs, then remove it")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.state import connect, read_state
    from gitlab_ci_provider.local.stack.use import attached
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.snapshots.dag_files import write_dag_files
    from gitlab_ci_provider.state import open_state

    home = default_home()
    home.make()
    installation = open_state(home_settings(home.data))
    store, holds = installation.snapshots, installation.holds
    record = find_repository(store, args.project)
    dags = [record.dag_id, *store.dags(part_of=record.dag_id)]
    with attached(home):
        state = read_state(home)
        api = connect(home, state, output.note) if state else None
        open_runs = [(dag, run) for dag in dags for run in _open_runs(api, holds, dag)]
        if open_runs and not args.force:
            output.error(_refusal(record, [run for _, run in open_runs]))
            return 1
        for dag, run in open_runs:
            _stop(api, holds, dag, run)
        if not holds.delete(record.dag_id):
            output.error(f"a run of {record.title} has just started; try again")
            return 1
        write_dag_files(store, home.dags)
        if api is not None:
            for dag in dags:
                api.delete_dag(dag)
    output.say(f"removed {record.title}")
    return 0


def _refusal(record: DagRecord, runs: list[str]) -> str:
    more = f" and {len(runs) - _LISTED} more" if len(runs) > _LISTED else ""
    return (
        f"{record.title} has runs that have not ended: {', '.join(runs[:_LISTED])}{more}; "
        "wait for them, or stop them and remove it with --force"
    )


def _open_runs(api: AirflowApi | None, holds: Holds, dag: str) -> list[str]:
    """List the runs of a DAG that have not ended; release the holds of those that have.

    Without a stack, every run that holds its DAG counts: it continues when a stack starts.
    """
    if api is None:
        return sorted(holds.runs(dag))
    found = set(api.open_runs(dag))
    for run in set(holds.runs(dag)) - found:
        if api.has_run(dag, run) and api.run_state(dag, run) in RUN_ENDED:
            holds.drop(dag, run)
        else:
            found.add(run)  # it is about to start, or has started since
    return sorted(found)


def _stop(api: AirflowApi | None, holds: Holds, dag: str, run: str) -> None:
    if api is not None and api.has_run(dag, run):
        api.stop_run(dag, run)
    holds.drop(dag, run)

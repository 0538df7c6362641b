"""`gitlab-dags remove`: remove a repository from the embedded stack, or from another Airflow."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import airflow, output
from gitlab_ci_provider.cli.repositories import find_repository
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import StackError
from gitlab_ci_provider.model.airflow_states import RUN_ENDED

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.model.dag_record import DagRecord
    from gitlab_ci_provider.snapshots.holds import Holds
    from gitlab_ci_provider.state import State

_LISTED = 3


@dataclass(frozen=True, slots=True)
class _Place:
    """What a repository is removed from.

    Attributes:
        api: None for a stack that is not running.
        dag_files: the folder of DAG files, where there is one.
    """

    state: State
    api: AirflowApi | None
    dag_files: Path | None


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "remove",
        help="remove a repository from the embedded stack, or from another Airflow",
        description="Remove the DAGs of a repository: its own, those of its branches and child "
        "pipelines, and all their runs. Caches, artifacts and log files are kept. A repository "
        "with runs that have not ended is not removed. A repository that a DAG bundle finds comes "
        "back with its next sync.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    parser.add_argument("--force", action="store_true", help="stop its runs, then remove it")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    airflow.add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if airflow.given_url(args):
        target = airflow.target(args)
        if target.sync is None:
            raise WrongUsage("give the [gitlab_ci] home of that Airflow with --home")
        return _remove(args, _Place(target.sync.state, target.api, target.dag_files))
    return _remove_here(args)


def _remove_here(args: argparse.Namespace) -> int:
    """Remove it from the embedded stack, whether it runs or not."""
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.state import connect, read_state
    from gitlab_ci_provider.local.stack.use import attached
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state

    if args.home or args.dag_files:
        raise WrongUsage("--home and --dag-files are those of another Airflow: give --airflow-url")
    home = default_home()
    home.make()
    with attached(home):
        stack = read_state(home)
        api = connect(home, stack, output.note) if stack else None
        return _remove(args, _Place(open_state(home_settings(home.data)), api, home.dags))


def _remove(args: argparse.Namespace, place: _Place) -> int:
    """Remove it.

    Raises:
        StackError: a run has not ended, or has just started.
    """
    from gitlab_ci_provider.snapshots.dag_files import write_dag_files

    store, holds, api = place.state.snapshots, place.state.holds, place.api
    record = find_repository(store, args.project)
    dags = [record.dag_id, *store.dags(part_of=record.dag_id)]
    open_runs = [(dag, run) for dag in dags for run in _open_runs(api, holds, dag)]
    if open_runs and not args.force:
        raise StackError(_refusal(record, [run for _, run in open_runs]))
    for dag, run in open_runs:
        _stop(api, holds, dag, run)
    if not holds.delete(record.dag_id):
        raise StackError(f"a run of {record.title} has just started; try again")
    if place.dag_files is not None:
        write_dag_files(store, place.dag_files)
    if api is not None:
        for dag in dags:
            api.delete_dag(dag)
    if args.json:
        output.say_json({"status": "removed", "title": record.title, "dags": dags})
    else:
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

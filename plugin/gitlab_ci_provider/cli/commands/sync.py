"""`gitlab-dags sync`: compile repositories for an Airflow that you run yourself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import SettingsError, SourceError
from gitlab_ci_provider.model.diagnostic import errors_in

if TYPE_CHECKING:
    from gitlab_ci_provider.discovery.bundle_sync import BundleSync, Refreshed
    from gitlab_ci_provider.discovery.sync import SyncResult


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sync",
        help="compile repositories for your own Airflow",
        description="Compile repositories into the state from which your own Airflow makes its "
        "DAGs. A repository with errors keeps its last pipeline. Exit code 0 only if all compile.",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH_OR_URL", help="repositories")
    parser.add_argument("--ref", help="branch, tag or commit id (default: the default branch)")
    parser.add_argument(
        "--home", type=Path, help="the folder (default: [gitlab_ci] home of airflow.cfg)"
    )
    parser.add_argument(
        "--bundle", help="the projects of a GitLabDagBundle of airflow.cfg that have changed"
    )
    parser.add_argument(
        "--project", help="of --bundle: only this one, by path or number, changed or not"
    )
    parser.add_argument(
        "--when-due",
        action="store_true",
        help="of --bundle: unless another process has for half of its sync_interval; exit code 0 "
        "if they were looked at, whatever is wrong with them",
    )
    parser.add_argument(
        "--remove-many", action="store_true", help="of --bundle: even if most projects are gone"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if bool(args.bundle) == bool(args.paths):
        raise WrongUsage("name repositories, or a DAG bundle with --bundle")
    from gitlab_ci_provider.hooks.database import with_database

    with with_database():
        return _bundle(args) if args.bundle else _repositories(args)


def _repositories(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.discovery.bundle_sync import Refreshed
    from gitlab_ci_provider.discovery.open_sync import open_sync
    from gitlab_ci_provider.settings import home_settings, load_settings

    sync = open_sync(home_settings(args.home) if args.home else load_settings())
    sync.state.installation.name()  # a state that cannot be used is no fault of a repository
    return _tell(args, Refreshed(results=tuple(sync.all(args.paths, args.ref))))


def _bundle(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.discovery.bundle_sync import Refreshed
    from gitlab_ci_provider.discovery.opened import configured_bundles, open_bundle
    from gitlab_ci_provider.settings import load_settings

    bundles = configured_bundles()
    if args.bundle not in bundles:
        listed = ", ".join(bundles) or "none"
        raise SettingsError(
            f"[dag_processor] dag_bundle_config_list has no GitLabDagBundle '{args.bundle}', "
            f"only: {listed}"
        )
    sync = open_bundle(bundles[args.bundle], load_settings())
    if args.project:
        results = sync.one(args.project)
        if results is None:
            raise SourceError(f"the DAG bundle '{args.bundle}' has no project {args.project}")
        return _tell(args, Refreshed(results=tuple(results)))
    return _refresh(sync, args)


def _refresh(sync: BundleSync, args: argparse.Namespace) -> int:
    from gitlab_ci_provider.discovery.bundle_sync import Refreshed

    pause = sync.projects.bundle.sync_interval / 2 if args.when_due else 0
    with sync.turn(pause) as mine:
        if not mine:
            if not args.when_due:
                output.note(f"{args.bundle}: another process is looking at the projects")
            return _tell(args, Refreshed())
        done = sync.refresh(remove_many=args.remove_many)
    if done.kept:
        output.error(
            f"{args.bundle}: {done.kept} of the projects that had DAGs are gone all at once. May "
            "the token still see them? Their DAGs stay; to remove them, run "
            f"`gitlab-dags sync --bundle {args.bundle} --remove-many`"
        )
    if done.elsewhere:
        first = ", ".join(done.elsewhere[:3])
        output.error(
            f"{args.bundle}: {len(done.elsewhere)} projects are in an earlier DAG bundle, too, "
            f"which shows them: {first}. Give each project to one, by `groups` or `exclude`"
        )
    code = _tell(args, done)
    if not args.json and (not args.when_due or done.results or done.removed or done.kept):
        output.say(f"{args.bundle}: {done.found} projects, {len(done.results)} refs synced")
    return 0 if args.when_due else code  # the DAG processor would look again for what it shows


def _tell(args: argparse.Namespace, done: Refreshed) -> int:
    """Say what was done; the exit code is 1 if something is wrong."""
    wrong = [result for result in done.results if _is_wrong(args, result)]
    code = 1 if wrong or done.kept else 0
    for result in done.results:
        several = len(done.results) > 1
        output.diagnostics(result.diagnostics, of=result.location if several else "")
        if result.ok and result.record is not None and not args.json:
            project, ref = result.record.project, result.record.ref
            output.say(f"{project.path}: {ref.name} at {ref.sha[:8]}")
    if args.json:
        output.say_json(
            {
                "status": "failed" if code else "synced",
                "repositories": [_described(result) for result in done.results],
                "removed": list(done.removed),
                "kept": done.kept,
            }
        )
        return code
    for dag in done.removed:
        output.say(f"{dag}: removed")
    return code


def _is_wrong(args: argparse.Namespace, result: SyncResult) -> bool:
    """Tell whether a repository is wrong: in a bundle, one without a pipeline is not."""
    if args.bundle and not args.project:
        return bool(errors_in(result.diagnostics))
    return not result.ok


def _described(result: SyncResult) -> dict[str, Any]:
    """Describe a repository as data; without a record, it could not be read."""
    from gitlab_ci_provider.cli.configuration.formats import as_data

    record = result.record
    return {
        "location": result.location,
        "compiles": result.ok,
        "project": record.project.path if record else None,
        "dag_id": record.dag_id if record else None,
        "ref": record.ref.name if record else None,
        "sha": record.ref.sha if record else None,
        "diagnostics": [as_data(found) for found in result.diagnostics],
    }

"""`gitlab-dags sync`: compile repositories for an Airflow that you run yourself."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import SettingsError, SourceError
from gitlab_ci_provider.model.diagnostic import Severity

if TYPE_CHECKING:
    from gitlab_ci_provider.discovery.bundle_sync import BundleSync
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
        help="of --bundle: unless another process has for half of its sync_interval",
    )
    parser.add_argument(
        "--remove-many", action="store_true", help="of --bundle: even if most projects are gone"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if bool(args.bundle) == bool(args.paths):
        raise WrongUsage("name repositories, or a DAG bundle with --bundle")
    return _bundle(args) if args.bundle else _repositories(args)


def _repositories(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.discovery.open_sync import open_sync
    from gitlab_ci_provider.settings import home_settings, load_settings

    sync = open_sync(home_settings(args.home) if args.home else load_settings())
    sync.state.installation.name()  # a state that cannot be used is no fault of a repository
    results = sync.all(args.paths, args.ref)
    _show(results)
    return 0 if all(result.ok for result in results) else 1


def _bundle(args: argparse.Namespace) -> int:
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
        _show(results)
        return 0 if all(result.ok for result in results) else 1
    return _refresh(sync, args)


def _refresh(sync: BundleSync, args: argparse.Namespace) -> int:
    owner = f"{socket.gethostname()}-{os.getpid()}"
    pause = sync.projects.bundle.sync_interval / 2 if args.when_due else 0
    if not sync.take_turn(owner, pause):
        if not args.when_due:
            output.note(f"{args.bundle}: another process is looking at the projects")
        return 0
    try:
        done = sync.refresh(owner, remove_many=args.remove_many)
    finally:
        sync.end_turn(owner)
    _show(done.results)
    for dag in done.removed:
        output.say(f"{dag}: removed")
    if done.kept:
        output.error(
            f"{args.bundle}: {done.kept} of the projects that had DAGs are gone all at once. May "
            "the token still see them? Their DAGs stay; to remove them, run "
            f"`gitlab-dags sync --bundle {args.bundle} --remove-many`"
        )
    if done.results or done.removed or done.kept:
        output.say(f"{args.bundle}: {done.found} projects, {len(done.results)} refs synced")
    return 0 if all(not _is_wrong(result) for result in done.results) and not done.kept else 1


def _is_wrong(result: SyncResult) -> bool:
    return any(found.severity is Severity.ERROR for found in result.diagnostics)


def _show(results: Iterable[SyncResult]) -> None:
    for result in results:
        output.diagnostics(result.diagnostics)
        if result.ok and result.record is not None:
            project, ref = result.record.project, result.record.ref
            output.say(f"{project.path}: {ref.name} at {ref.sha[:8]}")

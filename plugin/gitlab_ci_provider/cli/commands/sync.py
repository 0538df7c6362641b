"""`gitlab-dags sync`: compile repositories for an Airflow that you run yourself."""

from __future__ import annotations

import argparse
from pathlib import Path

from gitlab_ci_provider.cli import output


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sync",
        help="compile repositories for your own Airflow",
        description="Compile repositories into the folder from which your own Airflow makes its "
        "DAGs. A repository with errors keeps its last pipeline. Exit code 0 only if all compile.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH_OR_URL", help="repositories")
    parser.add_argument("--ref", help="branch, tag or commit id (default: the default branch)")
    parser.add_argument(
        "--home", type=Path, help="the folder (default: [gitlab_ci] home of airflow.cfg)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from gitlab_ci_provider.discovery.sync import Sync
    from gitlab_ci_provider.hooks.git_login import git_login, gitlab_of
    from gitlab_ci_provider.hooks.runners import slots_for_sync
    from gitlab_ci_provider.settings import home_settings, load_settings
    from gitlab_ci_provider.state import open_state

    settings = home_settings(args.home) if args.home else load_settings()
    state = open_state(settings)
    state.installation.name()  # a state that cannot be used is no fault of a repository
    sync = Sync(
        state,
        settings.mirrors,
        logins=lambda url: git_login(url, settings.git_conn_ids),
        gitlab=lambda url: gitlab_of(url, settings.git_conn_ids),
        include_hosts=settings.allowed_hosts,
        slotted=slots_for_sync(settings),
    )
    results = sync.all(args.paths, args.ref)
    for result in results:
        output.diagnostics(result.diagnostics)
        if result.ok and result.record is not None:
            project, ref = result.record.project, result.record.ref
            output.say(f"{project.path}: {ref.name} at {ref.sha[:8]}")
    return 0 if all(result.ok for result in results) else 1

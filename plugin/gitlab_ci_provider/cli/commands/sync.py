"""`gitlab-dags sync`: repositories to snapshots, for an Airflow of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from gitlab_ci_provider.cli import output


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "sync",
        help="read repositories for an Airflow of your own",
        description="Compile repositories into the folder that your Airflow makes its DAGs from. "
        "One with errors keeps the pipeline that it had. Exit code 0 only when all compile.",
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
    from gitlab_ci_provider.hooks.git_login import git_login
    from gitlab_ci_provider.settings import home_settings, load_settings
    from gitlab_ci_provider.state import open_state

    settings = home_settings(args.home) if args.home else load_settings()
    sync = Sync(
        open_state(settings),
        settings.mirrors,
        logins=lambda url: git_login(url, settings.git_conn_ids),
        include_hosts=settings.allowed_hosts,
    )
    results = sync.all(args.paths, args.ref)
    for one in results:
        output.diagnostics(one.diagnostics)
        if one.ok and one.record is not None:
            project, ref = one.record.project, one.record.ref
            output.say(f"{project.path}: {ref.name} at {ref.sha[:8]}")
    return 0 if all(one.ok for one in results) else 1

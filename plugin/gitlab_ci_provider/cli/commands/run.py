"""`gitlab-dags run`: the pipeline of a git repository, on this machine."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.pairs import name_value

if TYPE_CHECKING:
    from gitlab_ci_provider.local.home import Home
    from gitlab_ci_provider.local.request import RunRequest
    from gitlab_ci_provider.local.state import StackState
    from gitlab_ci_provider.model.dag_record import DagRecord


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "run",
        help="run a repository's pipeline on this machine",
        description="Run the pipeline of a git repository on the embedded stack and follow it. "
        "Runs what is committed. Exit code 0 only when the pipeline passed.",
    )
    parser.add_argument("path", nargs="?", default=".", help="repository: a path or a git URL")
    parser.add_argument("--ref", help="branch, tag or commit id (default: what is checked out)")
    parser.add_argument("--var", action="append", default=[], metavar="K=V", help="a variable")
    parser.add_argument("--job", action="append", default=[], metavar="NAME", help="only this job")
    parser.add_argument("--logs-dir", type=Path, help="write one log file a job there")
    parser.add_argument("--json", action="store_true", help="print only the result, as JSON")
    parser.add_argument("--stay", action="store_true", help="keep the UI up until Ctrl-C")
    parser.add_argument("--port", type=int, help="of the Airflow UI (default: 8080, or any free)")
    parser.add_argument("--runtime", default="auto", help="how pods run here (default: the best)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    variables = dict(name_value("--var", given) for given in args.var)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(args, variables)
    except KeyboardInterrupt:
        output.error("stopped")
        return 130


def _run(args: argparse.Namespace, variables: dict[str, str]) -> int:
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.projects import add_project
    from gitlab_ci_provider.local.request import RunRequest
    from gitlab_ci_provider.local.stack import StackOptions, running_stack

    home = default_home()
    home.make()
    synced = add_project(home, args.path, args.ref)
    output.diagnostics(synced.diagnostics)
    if not synced.ok or synced.record is None:
        return 1
    _tell_what_is_left_out(Path(args.path))
    request = RunRequest(
        location=args.path, ref=args.ref, variables=variables, jobs=tuple(args.job)
    )
    output.note("starting the embedded stack ...")
    with running_stack(home, StackOptions(port=args.port, runtime=args.runtime)) as state:
        output.note(f"Airflow: {state.url}  login: {state.user} / {state.password}")
        report = _follow(args, home, state, (synced.record, request))
        if args.stay:
            _stay()
    return 0 if report["status"] == "passed" else 1


def _follow(
    args: argparse.Namespace, home: Home, state: StackState, what: tuple[DagRecord, RunRequest]
) -> dict[str, Any]:
    """Run the pipeline, show it, and say how it ended."""
    from gitlab_ci_provider.cli.progress import Progress
    from gitlab_ci_provider.cli.summary import summary
    from gitlab_ci_provider.local.job_logs import save_logs
    from gitlab_ci_provider.local.run import run_pipeline

    record, request = what
    with Progress() as progress:
        followed = run_pipeline(home, state, record, request, progress.show)
    if args.logs_dir:
        save_logs(followed.report["jobs"], args.logs_dir)
    for line in summary(followed, home.bucket):
        output.note(line)
    output.note(f"login: {state.user} / {state.password}")
    if args.json:
        output.say(json.dumps(followed.report, indent=2))
    return followed.report


def _tell_what_is_left_out(path: Path) -> None:
    """Say that uncommitted changes are not part of the run."""
    from gitlab_ci_provider.sources.git import uncommitted_changes

    changes = uncommitted_changes(path) if path.is_dir() else 0
    if changes:
        output.note(f"not in this run: {changes} uncommitted changes; commit them to run them")


def _stay() -> None:
    """Wait for Ctrl-C."""
    sys.stdout.flush()
    output.note("the UI stays up; Ctrl-C stops everything")
    try:
        signal.pause()
    except KeyboardInterrupt:
        output.note("stopping ...")

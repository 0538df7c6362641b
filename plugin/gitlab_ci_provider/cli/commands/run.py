"""`gitlab-dags run`: the pipeline of a git repository, on this machine."""

from __future__ import annotations

import argparse
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import output, run_flags
from gitlab_ci_provider.cli.stack_flags import add_stack_flags, check_stack, stack_options
from gitlab_ci_provider.cli.usage import AlreadySaidError, WrongUsage

if TYPE_CHECKING:
    from gitlab_ci_provider.cli.display.starting import Started
    from gitlab_ci_provider.local.follow.run import FollowedRun
    from gitlab_ci_provider.local.home import Home
    from gitlab_ci_provider.model.dag_record import DagRecord

_INTERRUPTED = 130
_FEW = 20
"""Problems of the file: of more, the first ones would be gone from the screen."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "run",
        help="run a repository's pipeline on this machine",
        description="Run the pipeline of a git repository on this machine and follow it. It runs "
        "what is committed, unless --worktree is given. The embedded stack (object store, "
        "Kubernetes cluster, Airflow) starts when it is needed and stops after half an hour "
        "without use. Exit code 0 only if the pipeline passes.",
    )
    parser.add_argument(
        "path", nargs="?", default=".", help="path or URL of the repository (default: here)"
    )
    run_flags.add_place_flags(parser, ref="what is checked out")
    parser.add_argument(
        "--worktree",
        action="store_true",
        help="run the files as they are on disk: uncommitted changes and new files are included",
    )
    run_flags.add_flags(parser, source="push")
    _add_output_flags(parser)
    parser.add_argument("--stop", action="store_true", help="stop the stack when the run has ended")
    add_stack_flags(parser)
    parser.set_defaults(run=run, failed=_error_result)


def _add_output_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what is shown, and what is written."""
    parser.add_argument(
        "--logs-dir", type=Path, metavar="DIR", help="write a log file per job to DIR"
    )
    parser.add_argument(
        "--artifacts-to",
        type=Path,
        metavar="DIR",
        help="unpack artifacts into a folder per job in DIR",
    )
    parser.add_argument(
        "--follow",
        action="append",
        default=[],
        metavar="JOB",
        help="print the log of this job, or of those that a pattern such as '*' matches, as it is "
        "written; repeatable",
    )
    parser.add_argument(
        "--timestamps", action="store_true", help="begin each line of progress with the time"
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print no progress, only failures and the result"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result as JSON, and nothing else"
    )


def _error_result(message: str) -> dict[str, Any]:
    from gitlab_ci_provider.local.follow.result import error_result

    return error_result(message)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.lifecycle import stop_stack
    from gitlab_ci_provider.local.stack.state import is_running
    from gitlab_ci_provider.local.stack.use import attached

    place = _worktree(args) if args.worktree else run_flags.place(args)
    run_flags.conf(args)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` wants it so
            signal.signal(number, signal.default_int_handler)
    for folder in (args.logs_dir, args.artifacts_to):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    home = default_home()
    home.make()
    check_stack(home, args)
    try:
        with attached(home):
            return _run(args, home, place)
    finally:
        if args.stop and is_running(home):
            output.note("stopping the stack ...")
            stop_stack(home)


def _worktree(args: argparse.Namespace) -> run_flags.Place:
    """Make a commit of the files on disk, and run it for the branch that is checked out.

    Raises:
        WrongUsage: another commit is asked for, too.
        SourceError: the path is not a working copy.
    """
    from gitlab_ci_provider.sources.uncommitted import commit_work_tree

    for name in ("ref", "tag", "sha"):
        if getattr(args, name):
            raise WrongUsage(f"--worktree cannot be combined with --{name}")
    if not Path(args.path).is_dir():
        raise WrongUsage("--worktree needs the folder of a working copy")
    found = commit_work_tree(Path(args.path))
    args.ref, args.sha = found.branch or None, found.sha
    return run_flags.place(args)


def _run(args: argparse.Namespace, home: Home, place: run_flags.Place) -> int:
    from gitlab_ci_cluster.runtimes.known import PROCESSES
    from gitlab_ci_provider.cli.display.starting import read_while_starting
    from gitlab_ci_provider.local.stack.lifecycle import idle_minutes
    from gitlab_ci_provider.local.stack.state import read_runtime

    options = stack_options(args)
    started = read_while_starting(home, options, lambda: _read(args, home, place))
    output.note(started.stack.greeting)
    if read_runtime(home) in PROCESSES:
        for line in started.found.images:
            output.note(line)
    followed = _follow(args, home, started, place)
    _tell(args, home, followed)
    if started.spawned and not args.stop and (minutes := idle_minutes(options)):
        output.note(
            f"the stack stays up for the next run and stops after {minutes:g} minutes without use; "
            "stop it now with `gitlab-dags down`"
        )
    if followed.how == "stopped" and not followed.blocked:
        return _INTERRUPTED
    return 0 if followed.result["status"] == "passed" else 1


@dataclass(frozen=True, slots=True)
class _Read:
    """A repository that can run.

    Attributes:
        images: what to say if its images are not honoured, as far as that is not said yet.
    """

    record: DagRecord
    images: tuple[str, ...]


def _read(args: argparse.Namespace, home: Home, place: run_flags.Place) -> _Read:
    """Read the repository, and warn of what may run differently than expected.

    Raises:
        AlreadySaidError: it has no pipeline that can run.
        SourceError: it has no such job.
    """
    from gitlab_ci_provider.cli.preflight import (
        check_jobs,
        check_stages,
        image_warnings,
        matching_jobs,
        runs_without_images,
        warnings,
    )
    from gitlab_ci_provider.local.projects import add_project
    from gitlab_ci_provider.local.stack.state import is_running
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state

    synced = add_project(home, args.path, place.ref, place.sha)
    output.diagnostics(synced.diagnostics, most=_FEW)
    if synced.record is None or synced.digest is None:
        raise AlreadySaidError("; ".join(map(str, synced.diagnostics)))
    snapshots = open_state(home_settings(home.data)).snapshots
    pipeline = snapshots.load_pipeline(synced.digest)
    check_jobs(pipeline, (*args.job, *args.manual))
    check_stages(pipeline, args.stage)
    args.follow = matching_jobs(pipeline, args.follow)
    images = tuple(image_warnings([pipeline]))
    # Otherwise only the cluster knows, which is just starting.
    known = not is_running(home) and runs_without_images(home, args.runtime)
    changes = () if args.worktree else warnings(Path(args.path))
    for line in (*changes, *(images if known else ())):
        output.note(line)
    return _Read(synced.record, () if known else images)


def _follow(
    args: argparse.Namespace, home: Home, started: Started[_Read], place: run_flags.Place
) -> FollowedRun:
    """Run the pipeline and show it."""
    from gitlab_ci_provider.cli.display.follow import RunDisplay
    from gitlab_ci_provider.cli.display.manual_jobs import can_ask
    from gitlab_ci_provider.cli.display.progress import Style
    from gitlab_ci_provider.local.follow.run import run_pipeline, stop_waiting

    record = started.found.record
    branch = place.ref or record.ref.name
    conf = {"ref": record.ref.name, **run_flags.conf(args), **place.conf(args, branch)}
    style = Style(quiet=args.quiet, timestamps=args.timestamps, logs=bool(args.follow))
    display = RunDisplay(home, args.follow, style, asks=can_ask() and not args.json)
    with display.progress:
        run = run_pipeline(home, started.stack, record, conf, display.watch())
    return stop_waiting(run, home) if run.how == "waiting" and args.stop else run


def _tell(args: argparse.Namespace, home: Home, followed: FollowedRun) -> None:
    """Say how the run ended."""
    from gitlab_ci_cluster.runtimes.known import PROCESSES
    from gitlab_ci_provider.cli.display.summary import summary
    from gitlab_ci_provider.local.follow.artifacts import save_artifacts
    from gitlab_ci_provider.local.follow.logs import save_logs
    from gitlab_ci_provider.local.stack.state import read_runtime

    if args.logs_dir:
        try:
            save_logs(followed.result["jobs"], args.logs_dir)
        except OSError as problem:  # the pipeline has ended, and its result matters more
            output.error(f"cannot write to {args.logs_dir}: {problem.strerror}")
    if args.artifacts_to:
        for line in save_artifacts(followed.result["jobs"], home.bucket, args.artifacts_to):
            output.error(line)
    for line in summary(followed, home.bucket, in_images=read_runtime(home) not in PROCESSES):
        output.note(line)
    if args.json:
        output.say_json(followed.result, indent=2)

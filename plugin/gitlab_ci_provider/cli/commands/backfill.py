"""`gitlab-dags backfill`: a pipeline for each commit of a range, oldest first."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import airflow, output, run_flags
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.conf import check_ref

if TYPE_CHECKING:
    from gitlab_ci_provider.sources.git_history import Step

_MAX = 100


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "backfill",
        help="start a pipeline for each commit of a range",
        description="Start a pipeline for each commit of a branch from A to B (both included), "
        "oldest first, as a push of each commit would have. A merged branch counts as its merge "
        "commit. Take care with jobs that deploy: --job limits which jobs run.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    parser.add_argument(
        "--from", dest="first", required=True, metavar="A", help="first commit: a branch, tag or id"
    )
    parser.add_argument("--to", metavar="B", help="last commit (default: the newest)")
    parser.add_argument("--ref", metavar="R", help="branch (default: the default branch)")
    parser.add_argument("--dry-run", action="store_true", help="list the commits, start nothing")
    parser.add_argument(
        "--max",
        type=int,
        default=_MAX,
        metavar="N",
        help=f"most commits to accept (default: {_MAX})",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per commit")
    run_flags.add_flags(parser, source="push")
    airflow.add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from gitlab_ci_provider.sources.git_history import commits

    conf = run_flags.conf(args)
    for name, ref in (("--from", args.first), ("--to", args.to), ("--ref", args.ref)):
        check_ref(ref or "", name)
    target = airflow.target(args)
    mirror = target.mirror(args.project)
    branch = args.ref or mirror.default_branch()
    found = commits(mirror, args.first, args.to or branch)
    if len(found) > args.max:
        raise WrongUsage(f"{len(found)} commits are too many; --max {len(found)} allows them")
    failed = False
    for commit in found:
        if args.dry_run:
            _say(args, commit, commit.title)
            continue
        place = {"ref": branch, "sha": commit.sha, "before_sha": commit.parent}
        try:
            dag = target.dag(args.project, branch, commit.sha)
        except SourceError as problem:
            output.error(str(problem))
            if args.json:
                output.say_json({**_described(commit), "error": str(problem)})
            failed = True
            continue
        started = target.api.trigger(dag, {**conf, **place})
        _say(args, commit, target.api.run_url(dag, started), dag_id=dag, run_id=started)
    return 1 if failed else 0


def _say(args: argparse.Namespace, commit: Step, words: str, **run: str) -> None:
    """Print a commit and the address of its run; without a run, its title."""
    if args.json:
        url = {"url": words} if run else {}
        output.say_json({**_described(commit), **run, **url})
    else:
        output.say(f"{commit.sha} {words}")


def _described(commit: Step) -> dict[str, str]:
    return {"sha": commit.sha, "title": commit.title}

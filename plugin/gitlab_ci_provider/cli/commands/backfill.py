"""`gitlab-dags backfill`: a pipeline for each commit of a range, oldest first."""

from __future__ import annotations

import argparse

from gitlab_ci_provider.cli import airflow, output, run_flags
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.conf import check_ref

_MAX = 100


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "backfill",
        help="start a pipeline for each commit of a range",
        description="Start one pipeline for each commit of a branch from A to B, both included, "
        "oldest first, as the pushes of these commits would have. Merged branches count as their "
        "merge commit. Think of jobs that deploy: --job runs some jobs only.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    parser.add_argument(
        "--from", dest="first", required=True, metavar="A", help="branch, tag or commit id"
    )
    parser.add_argument("--to", metavar="B", help="the same (default: the newest of the branch)")
    parser.add_argument("--ref", metavar="R", help="the branch (default: the default branch)")
    parser.add_argument("--dry-run", action="store_true", help="only list the commits")
    parser.add_argument(
        "--max", type=int, default=_MAX, metavar="N", help=f"refuse more commits (default: {_MAX})"
    )
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
        output.error(f"{len(found)} commits; --max {len(found)} runs them all")
        return 2
    failed = False
    for one in found:
        if args.dry_run:
            output.say(f"{one.sha} {one.title}")
            continue
        asks = {"ref": branch, "sha": one.sha, "before_sha": one.parent}
        try:
            dag = target.dag(args.project, branch, one.sha)
        except SourceError as problem:
            output.error(str(problem))
            failed = True
            continue
        started = target.api.trigger(dag, {**conf, **asks})
        output.say(f"{one.sha} {target.api.run_url(dag, started)}")
    return 1 if failed else 0

"""`gitlab-dags prune`: delete artifacts and caches whose time is over."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import airflow, objects, output
from gitlab_ci_provider.cli.usage import WrongUsage

if TYPE_CHECKING:
    from gitlab_ci_provider.cli.objects import Stored
    from gitlab_ci_provider.retention.guard import IsOpen
    from gitlab_ci_provider.retention.policy import Policy, Verdict
    from gitlab_ci_provider.retention.prune import Pruning
    from gitlab_ci_provider.snapshots.leftovers import Leftovers


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "prune",
        help="list artifacts and caches whose time is over, and delete them",
        description="List the artifacts that have expired and the caches that no job has used for "
        "long, and delete them with --delete. What running pipelines need, what a job was started "
        "with in the last day, and the artifacts of the latest successful pipeline of each ref "
        "are left alone.",
    )
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="only of this project")
    parser.add_argument("--delete", action="store_true", help="delete what is listed")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    limits = parser.add_argument_group("limits (0: none)")
    limits.add_argument(
        "--cache-expire-in",
        metavar="TIME",
        default="30 days",
        help="after the last use of a cache (default: 30 days)",
    )
    limits.add_argument(
        "--cache-max-size", metavar="SIZE", default="0", help="of the caches of a project, as 20G"
    )
    limits.add_argument(
        "--artifacts-max-size", metavar="SIZE", default="0", help="of the artifacts of a project"
    )
    limits.add_argument(
        "--artifacts-keep-latest",
        metavar="TIME",
        default="365 days",
        help="for which those of the latest successful pipeline of a ref are kept beyond their "
        "expire_in (default: 365 days)",
    )
    objects.add_flags(parser)
    parser.add_argument(
        "--airflow-url",
        metavar="URL",
        help=f"address of the Airflow, which knows what runs (default: ${airflow.URL})",
    )
    parser.set_defaults(run=run, dag_files=None)


def run(args: argparse.Namespace) -> int:
    """Run the command; exit code 1 when something could not be deleted."""
    from gitlab_ci_provider.cli.display.counting import Counting

    stored = objects.stored(args)
    pruning = _pruning(args, stored)
    with Counting() as counting:
        pruning = pruning.telling(counting.tell)
        survey = pruning.survey()
        ended = pruning.carry_out(survey) if args.delete else survey
    _print(args, ended)
    if not args.project:
        _prune_state(args, stored.state.leftovers)
    return 1 if any(verdict.problem for verdict in ended) else 0


def _prune_state(args: argparse.Namespace, leftovers: Leftovers) -> None:
    """Delete, or count, compiled pipelines that nothing refers to."""
    count = len(leftovers.prune() if args.delete else leftovers.due())
    if count and not args.json:
        verb = "deleted" if args.delete else "would delete"
        output.note(f"{verb} {count} compiled pipelines of the state that nothing refers to")


def _pruning(args: argparse.Namespace, stored: Stored) -> Pruning:
    from gitlab_ci_provider.retention.guard import Guard
    from gitlab_ci_provider.retention.inventory import ARTIFACTS, CACHES
    from gitlab_ci_provider.retention.prune import Pruning
    from gitlab_ci_provider.storage.keys import artifacts_folder, caches_folder

    policy = _policy(args)
    places = (CACHES, ARTIFACTS)
    if args.project:
        project = stored.project(args.project)
        places = (caches_folder(project), artifacts_folder(project))
    return Pruning(
        shelf=stored.shelf,
        uses=stored.state.uses,
        guard=Guard(stored.state.register, _is_open(args), policy),
        policy=policy,
        clock=lambda: datetime.now(UTC).timestamp(),
        cache_prefix=places[0],
        artifacts_prefix=places[1],
    )


def _policy(args: argparse.Namespace) -> Policy:
    from gitlab_ci_provider.retention.policy import Policy

    return Policy(
        cache_expire_in=_seconds("--cache-expire-in", args.cache_expire_in),
        cache_max_size=_bytes("--cache-max-size", args.cache_max_size),
        artifacts_max_size=_bytes("--artifacts-max-size", args.artifacts_max_size),
        artifacts_keep_latest=_seconds("--artifacts-keep-latest", args.artifacts_keep_latest),
    )


def _seconds(flag: str, words: str) -> int:
    from gitlab_ci_provider.model.durations import parse_duration

    found = 0 if words.strip() == "0" else parse_duration(words)
    if found is None:
        raise WrongUsage(f"{flag} is {words!r}: write a time such as '30 days', or 0")
    return found


def _bytes(flag: str, words: str) -> int:
    from gitlab_ci_provider.cli.display.tables import parse_size

    found = parse_size(words)
    if found is None:
        raise WrongUsage(f"{flag} is {words!r}: write a size such as 500M or 20G, or 0")
    return found


def _is_open(args: argparse.Namespace) -> IsOpen:
    """Ask the Airflow for its runs; of one that cannot be asked, the register has to do."""
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.state import is_running
    from gitlab_ci_provider.model.airflow_states import RUN_ENDED

    if not airflow.given_url(args):
        if args.store:
            output.note("without --airflow-url, the register alone says which pipelines run")
            return lambda *_: None
        if not is_running(default_home()):
            return lambda *_: False
    api = airflow.target(args).api

    def is_open(dag: str, run: str) -> bool:
        return api.has_run(dag, run) and api.run_state(dag, run) not in RUN_ENDED

    return is_open


def _print(args: argparse.Namespace, ended: Sequence[Verdict]) -> None:
    from gitlab_ci_provider.cli.display.tables import size
    from gitlab_ci_provider.retention.prune import KEPT

    gone = [verdict for verdict in ended if verdict.reason not in KEPT and not verdict.problem]
    kept = Counter(str(verdict.reason) for verdict in ended if verdict.reason in KEPT)
    total = sum(verdict.item.size for verdict in gone)
    if args.json:
        output.say_json(
            {
                "deleted": args.delete,
                "bytes": total,
                "items": [_plain(verdict, kept=verdict.reason in KEPT) for verdict in ended],
            },
            indent=2,
        )
        return
    for line in _lines([verdict for verdict in ended if verdict.reason not in KEPT]):
        output.say(line)
    for verdict in ended:
        if verdict.problem:
            output.error(f"{verdict.item.keys[0]}: {verdict.problem}")
    for reason, count in kept.items():
        output.note(f"kept, although their time is over: {count} ({reason})")
    if not gone:
        output.note("there is nothing to delete")
    elif args.delete:
        output.note(f"deleted: {len(gone)}, {size(total)}")
    else:
        output.note(f"would delete {len(gone)}, {size(total)}; --delete does that")


def _lines(verdicts: list[Verdict]) -> Iterator[str]:
    from gitlab_ci_provider.cli.display.tables import moment, size, table

    rows = []
    for verdict in verdicts:
        item = verdict.item
        place = (item.kind, item.project, str(item.pipeline or "-"), item.job)
        rows.append((*place, size(item.size), moment(item.since), str(verdict.reason)))
    heading = ("KIND", "PROJECT", "PIPELINE", "JOB OR KEY", "SIZE", "MADE OR USED", "WHY")
    yield from table(heading, rows)


def _plain(verdict: Verdict, *, kept: bool) -> dict[str, Any]:
    item = verdict.item
    return {
        "kind": item.kind,
        "project": item.project,
        "pipeline": item.pipeline or None,
        "job": item.job,
        "keys": list(item.keys),
        "size": item.size,
        "since": item.since,
        "expire_at": item.expire_at,
        "kept": kept,
        "reason": str(verdict.reason),
        "problem": verdict.problem,
    }

"""`gitlab-dags reap`: delete pods that jobs have left."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import airflow, output
from gitlab_ci_provider.cli.usage import WrongUsage

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.hooks.group_leftovers import TaskStates
    from gitlab_ci_provider.pods.leftovers import Leftover

_EMBEDDED_NAMESPACE = "default"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "reap",
        help="list pods that jobs have left, and delete them",
        description="List the pods of this installation whose tasks have ended, or whose runs "
        "Airflow no longer has, and delete them with --delete; their Secrets go with them. Pods of "
        "tasks that Airflow may still run, and those of other installations, are left alone.",
    )
    parser.add_argument("--delete", action="store_true", help="delete what is listed")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    cluster = parser.add_argument_group("which cluster (default: the embedded stack's)")
    cluster.add_argument("--kubeconfig", metavar="FILE", help="how to reach the cluster")
    cluster.add_argument("--context", help="of the kubeconfig")
    cluster.add_argument("--namespace", help="of the pods (default: default)")
    cluster.add_argument(
        "--installation",
        metavar="NAME",
        help="label of the pods (default: what `installation` in the state of --home says)",
    )
    airflow.add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; exit code 1 when something could not be deleted."""
    from gitlab_ci_provider.hooks.kubeconfig import client_from
    from gitlab_ci_provider.runs import reap

    target = airflow.target(args)
    client = client_from(args.kubeconfig or _embedded_kubeconfig(args), args.context)
    namespace = args.namespace or _EMBEDDED_NAMESPACE
    found = reap.find_leftovers(client, namespace, _installation(args, target), _states(target.api))
    failed = {}
    if args.delete:
        results = {one.name: reap.delete(client, one) for one in found}
        failed = {name: problem for name, problem in results.items() if problem}
    _print(args, found, failed)
    return 1 if failed else 0


def _embedded_kubeconfig(args: argparse.Namespace) -> str | None:
    """Return the embedded cluster's kubeconfig, unless another Airflow is meant."""
    from gitlab_ci_provider.local.home import default_home

    return None if airflow.given_url(args) else str(default_home().kubeconfig)


def _installation(args: argparse.Namespace, target: airflow.Target) -> str:
    if args.installation:
        return str(args.installation)
    if target.sync is None:
        raise WrongUsage("give the [gitlab_ci] home of the Airflow with --home, or --installation")
    return target.sync.state.installation.name()


def _states(api: AirflowApi) -> TaskStates:
    def states(dag: str, run: str) -> Mapping[str, str | None] | None:
        if not api.has_run(dag, run):
            return None
        return {name: task.state for name, task in api.tasks(dag, run).items()}

    return states


def _print(args: argparse.Namespace, found: list[Leftover], failed: Mapping[str, str]) -> None:
    if args.json:
        pods = [asdict(one) | {"problem": failed.get(one.name, "")} for one in found]
        output.say_json({"deleted": args.delete, "pods": pods})
        return
    for line in _table(found):
        output.say(line)
    for name, problem in failed.items():
        output.error(f"{name}: {problem}")
    if not found:
        output.note("nothing is left")
    elif args.delete:
        output.note(f"deleted: {len(found) - len(failed)} of {len(found)}")
    else:
        output.note("nothing was deleted; --delete does that")


def _table(found: list[Leftover]) -> Iterator[str]:
    from gitlab_ci_provider.cli.display.tables import ago, table

    rows = [(_named(one), ago(one.age), one.phase, one.job, one.why, one.run) for one in found]
    return table(("NAME", "AGE", "PHASE", "JOB", "WHY", "RUN"), rows)


def _named(found: Leftover) -> str:
    return found.name if found.kind == "Pod" else f"{found.kind.lower()}/{found.name}"

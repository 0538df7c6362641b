"""`gitlab-dags trigger`: start a pipeline for any branch, tag, commit or merge request."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import airflow, output, run_flags
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trigger",
        help="start a pipeline for any branch, tag or commit",
        description="Start a pipeline and print the address of its run. If the jobs of the ref "
        "differ from those of the project's DAG, the ref gets a DAG of its own first. With --wait, "
        "the exit code is 0 only if the pipeline passes.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    run_flags.add_place_flags(parser, ref="the default branch")
    parser.add_argument("--wait", action="store_true", help="wait until the pipeline has ended")
    run_flags.add_flags(parser, source="api")
    airflow.add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    place = run_flags.place(args)
    if args.mr_target is not None and not args.ref:
        raise WrongUsage("--mr-target needs --ref, the source branch of the merge request")
    conf = {**run_flags.conf(args), **place.conf(args, args.ref)}
    target = airflow.target(args)
    dag = target.dag(args.project, place.ref, place.sha)
    started = target.api.trigger(dag, conf)
    output.say(target.api.run_url(dag, started))
    return _wait(target.api, dag, started) if args.wait else 0


def _wait(api: AirflowApi, dag: str, started: str) -> int:
    """Wait for the end of a run and print how it ended."""
    state = api.wait_for_end(dag, started)
    moved = api.xcom(dag, started, CREATE_PIPELINE, xcom_keys.MOVED_TO)
    if moved is not None:
        output.say(api.run_url(moved["dag"], moved["run"]))
        return _wait(api, moved["dag"], moved["run"])
    record = api.xcom(dag, started, CREATE_PIPELINE, xcom_keys.PIPELINE)
    if state == "success" and record is not None and not record["created"]:
        output.note(f"no pipeline: {record['reason']}")
        return 1
    output.note("passed" if state == "success" else state)
    return 0 if state == "success" else 1

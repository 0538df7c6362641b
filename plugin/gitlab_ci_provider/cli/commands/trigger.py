"""`gitlab-dags trigger`: start a pipeline for any branch, tag, commit or merge request."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import airflow, output, run_flags
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import AirflowApiError, SourceError
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.names import CREATE_PIPELINE, FINISH_PIPELINE

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.client import AirflowApi

_NOT_FOUND = 404


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
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
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
    started = _trigger(target, dag, conf)
    if not args.json:
        output.say(target.api.run_url(dag, started))
    status = "created"
    if args.wait:
        dag, started, status = _wait(target.api, dag, started, quiet=args.json)
    if args.json:
        where = {"dag_id": dag, "run_id": started, "url": target.api.run_url(dag, started)}
        output.say_json({"status": status, **where})
    return 0 if status in {"created", "passed"} else 1


def _trigger(target: airflow.Target, dag: str, conf: dict[str, Any]) -> str:
    """Start the run.

    Raises:
        SourceError: there is no such DAG.
    """
    try:
        started = target.api.trigger(dag, conf)
    except AirflowApiError as problem:
        if problem.status != _NOT_FOUND:
            raise
        message = (
            f"the Airflow has no DAG {dag}: was the project synced, and has Airflow read it since? "
            "With --home, this command syncs it and waits"
        )
        raise SourceError(message) from problem
    if target.sync is None and target.api.request("GET", f"/dags/{dag}")["is_paused"]:
        output.note(f"the DAG {dag} is paused: the pipeline starts when somebody unpauses it")
    return started


def _wait(api: AirflowApi, dag: str, started: str, *, quiet: bool) -> tuple[str, str, str]:
    """Wait for the end of a run; return where it ended and how."""
    from gitlab_ci_provider.model.serialization import convert
    from gitlab_ci_provider.schedule.pipeline_result import PipelineResult

    state = api.wait_for_end(dag, started)
    moved = api.xcom(dag, started, CREATE_PIPELINE, xcom_keys.MOVED_TO)
    if moved is not None:
        if not quiet:
            output.say(api.run_url(moved["dag"], moved["run"]))
        return _wait(api, moved["dag"], moved["run"], quiet=quiet)
    record = api.xcom(dag, started, CREATE_PIPELINE, xcom_keys.PIPELINE)
    if state == "success" and record is not None and not record["created"]:
        output.note(f"no pipeline: {record['reason']}")
        return dag, started, "skipped"
    status = "passed" if state == "success" else state
    result = api.xcom(dag, started, FINISH_PIPELINE, xcom_keys.PIPELINE_RESULT)
    output.note(convert(result, PipelineResult).text if result else status)
    return dag, started, status

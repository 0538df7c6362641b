"""`gitlab-dags trigger`: start a pipeline for any branch, tag, commit or merge request."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import airflow, asked, output

if TYPE_CHECKING:
    from gitlab_ci_provider.local.api import AirflowApi


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "trigger",
        help="start a pipeline for any branch, tag or commit",
        description="Start a pipeline and print the address of its run. A ref whose jobs differ "
        "from those of the project's DAG gets a DAG of its own first. With --wait the exit code is "
        "0 only when the pipeline passed.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    ref = parser.add_mutually_exclusive_group()
    ref.add_argument("--ref", metavar="R", help="branch (default: the default branch)")
    ref.add_argument("--tag", metavar="T", help="tag")
    parser.add_argument("--sha", metavar="COMMIT", help="a commit of the ref, or any commit")
    parser.add_argument("--merge-request", type=int, metavar="N", help="a merge request of --ref")
    parser.add_argument("--target", metavar="B", help="branch that the merge request is for")
    parser.add_argument("--wait", action="store_true", help="wait for the end of the pipeline")
    asked.add_flags(parser, source="api")
    airflow.add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.merge_request is not None and not (args.ref and args.target):
        output.error("--merge-request needs --ref, its source branch, and --target")
        return 2
    target = airflow.target(args)
    ref = args.tag or args.ref or args.sha
    sha = args.sha if args.sha != ref else ""
    dag = target.dag(args.project, ref, sha)
    started = target.api.trigger(dag, {**asked.conf(args), **_place(args, ref, sha)})
    output.say(target.api.run_url(dag, started))
    return _wait(target.api, dag, started) if args.wait else 0


def _place(args: argparse.Namespace, ref: str | None, sha: str) -> dict[str, Any]:
    """Say which commit is meant."""
    place: dict[str, Any] = {"ref": ref, "sha": sha}
    if args.merge_request is not None:
        place["source"] = "merge_request_event"
        place["merge_request"] = {
            "iid": args.merge_request,
            "source_branch": args.ref,
            "target_branch": args.target,
        }
    return {key: value for key, value in place.items() if value}


def _wait(api: AirflowApi, dag: str, started: str) -> int:
    """Wait for the end of a run and say how it ended."""
    state = api.wait_for_end(dag, started)
    moved = api.xcom(dag, started, "create_pipeline", "moved_to")
    if moved is not None:
        output.say(api.run_url(moved["dag"], moved["run"]))
        return _wait(api, moved["dag"], moved["run"])
    record = api.xcom(dag, started, "create_pipeline", "pipeline")
    if state == "success" and record is not None and not record["created"]:
        output.note(f"no pipeline: {record['reason']}")
        return 1
    output.note("passed" if state == "success" else state)
    return 0 if state == "success" else 1

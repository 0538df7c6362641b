"""Flags that choose one pipeline, in the embedded Airflow or any other, and jobs of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import airflow
from gitlab_ci_provider.cli.repositories import dag_named, find_repository
from gitlab_ci_provider.cli.usage import WrongUsage, suggestion
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.run_address import read_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.airflow_api.jobs import JobState, RunJobs
    from gitlab_ci_provider.airflow_api.pipelines import PipelineKey


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the project and the flags that choose a pipeline of it."""
    parser.add_argument(
        "project",
        metavar="PROJECT",
        help="a path, a URL, group/project, or the address of a run in Airflow",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--run", metavar="RUN_ID", dest="run_id", help="its pipeline (default: the newest)"
    )
    which.add_argument("--pipeline", type=int, metavar="N", help="the one with this CI_PIPELINE_ID")
    which.add_argument("--ref", metavar="R", help="the newest pipeline of this branch or tag")


def chosen(args: argparse.Namespace) -> RunJobs:
    """Find the pipeline.

    Raises:
        SourceError: there is none.
        WrongUsage: the address of a run is that of another Airflow.
    """
    from gitlab_ci_provider.airflow_api.jobs import RunJobs
    from gitlab_ci_provider.airflow_api.pipelines import (
        PipelineKey,
        followed,
        newest_run,
        pipeline_dags,
        run_of,
    )

    target = airflow.target(args)
    api = target.api
    named = _of_address(args.project, api.url)
    if named is None:
        owner = _dag(args.project, target)
        if args.pipeline:
            named = _numbered(api, owner, args.pipeline)
        elif args.run_id:
            dags = [dag for dag in pipeline_dags(api) if dag.split("..")[0] == owner]
            having = [dag for dag in dags if api.has_run(dag, args.run_id)]
            named = PipelineKey(dag=having[-1] if having else owner, run=args.run_id)
        else:
            named = newest_run(api, owner, args.ref or "")
        if named is None:
            raise SourceError(_none(args, owner, pipeline_dags(api)))
    run_of(api, named)
    key = followed(api, named)
    return RunJobs(api, key.dag, key.run)


def _numbered(api: AirflowApi, owner: str, number: int) -> PipelineKey:
    """Find a pipeline of a project by its number.

    Raises:
        SourceError: it is another project's.
    """
    from gitlab_ci_provider.airflow_api.pipelines import numbered_run
    from gitlab_ci_provider.model.names import owner_of

    found = numbered_run(api, number)
    if owner_of(found.dag) != owner:
        raise SourceError(f"pipeline {number} is of another project: its DAG is {found.dag}")
    return found


def jobs_named(jobs: RunJobs, names: Sequence[str]) -> list[JobState]:
    """Read the named jobs, with their results.

    Raises:
        SourceError: there is no such job; the message suggests another.
    """
    known = {job.name: job.task for job in jobs.all()}
    for name in names:
        if name not in known:
            raise SourceError(f"no job named '{name}'{suggestion(name, known)}")
    return [jobs.one(known[name]) for name in dict.fromkeys(names)]


def run_address(given: str) -> tuple[str, PipelineKey] | None:
    """Read the address of a run: the Airflow's, and which one it is; None for anything else."""
    from gitlab_ci_provider.airflow_api.pipelines import PipelineKey

    found = read_address(given)
    return None if found is None else (found.base, PipelineKey(dag=found.dag, run=found.run))


def _of_address(given: str, airflow_url: str) -> PipelineKey | None:
    """Read the address of a run of this Airflow; None for anything else."""
    found = run_address(given)
    if found is not None and found[0].rstrip("/") != airflow_url.rstrip("/"):
        # Anybody can write an address into a log: the login must not be sent there.
        raise WrongUsage(f"{given} is not a run of {airflow_url}: name its Airflow, --airflow-url")
    return found and found[1]


def _dag(project: str, target: airflow.Target) -> str:
    """Name the DAG of a project."""
    if target.sync is None:
        return dag_named(project)
    return find_repository(target.sync.state.snapshots, project).dag_id


def _none(args: argparse.Namespace, owner: str, known: Sequence[str]) -> str:
    if owner not in known:
        owners = [dag for dag in known if ".." not in dag]
        words = f"the Airflow has no project '{args.project}', or has not read it yet"
        return f"{words}{suggestion(owner, owners)}"
    of_ref = f" for '{args.ref}'" if args.ref else ""
    return f"{args.project} has no pipeline{of_ref} yet: start one with `gitlab-dags trigger`"

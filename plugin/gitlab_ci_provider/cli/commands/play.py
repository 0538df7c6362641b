"""`gitlab-dags play`, `retry`, `cancel` and `jobs`: a pipeline that runs or has ended."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import airflow, chosen_run, output
from gitlab_ci_provider.cli.usage import Parser, WrongUsage, name_value
from gitlab_ci_provider.exceptions import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitlab_ci_provider.airflow_api.jobs import JobState, RunJobs

_ORIGIN = "It works with the embedded stack, and with the Airflow of --airflow-url."


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the four commands."""
    _add(commands, "jobs", "list the jobs of a pipeline", "List the jobs of a pipeline.", _jobs)
    play = _add(
        commands,
        "play",
        "play manual jobs of a pipeline",
        "Play manual jobs, or start delayed ones before their time. Later jobs that were skipped "
        "because of them are decided again.",
        _play,
    )
    _add_jobs(play, "+", "names of jobs")
    play.add_argument(
        "--var", action="append", default=[], metavar="K=V", help="variable of the job; repeatable"
    )
    play.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="K=V",
        help="input of the job, read as the type that it has: arrays are JSON; repeatable",
    )
    retry = _add(
        commands,
        "retry",
        "run jobs of a pipeline again",
        "Run jobs again, by default all that have failed or were canceled. Later jobs that were "
        "skipped because of them are decided again.",
        _retry,
    )
    _add_jobs(retry, "*", "names of jobs (default: those that failed)")
    retry.add_argument("--downstream", action="store_true", help="run all later jobs again, too")
    cancel = _add(
        commands, "cancel", "cancel a pipeline", "Cancel a pipeline, or some of its jobs.", _cancel
    )
    _add_jobs(cancel, "*", "names of jobs (default: the pipeline)")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    words: str,
    description: str,
    run: Any,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=f"{description} {_ORIGIN}"
    )
    chosen_run.add_flags(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    airflow.add_flags(parser)
    parser.set_defaults(run=run)
    return parser


def _add_jobs(parser: argparse.ArgumentParser, number: str, words: str) -> None:
    parser.add_argument("jobs", nargs=number, metavar="JOB", help=words)
    if isinstance(parser, Parser):
        parser.gathers = "jobs"


def _jobs(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.cli.display.tables import table

    found = chosen_run.chosen(args)
    stages = found.stages()
    places = {task: place for place, task in enumerate(stages)}
    jobs = [found.complete(job) for job in found.all()]
    jobs.sort(key=lambda job: places.get(job.task, len(places)))
    if args.json:
        _say_json(found, [{"stage": stages.get(job.task), **_described(job)} for job in jobs])
        return 0
    output.say(found.api.run_url(found.dag, found.run))
    rows = [(stages.get(job.task, "-"), job.name, job.status, job.reason) for job in jobs]
    for line in table(("STAGE", "JOB", "STATUS", "REASON"), rows):
        output.say(line)
    return 0


def _play(args: argparse.Namespace) -> int:
    given: dict[str, Any] = dict(name_value("--input", pair) for pair in args.input)
    if args.var:
        given["variables"] = dict(name_value("--var", pair) for pair in args.var)
    found = chosen_run.chosen(args)
    jobs = chosen_run.jobs_named(found, args.jobs)
    for job in jobs:
        found.play(job, given)
    return _done(args, found, "played", jobs)


def _retry(args: argparse.Namespace) -> int:
    found = chosen_run.chosen(args)
    jobs = chosen_run.jobs_named(found, args.jobs) if args.jobs else _failed(found)
    if not jobs:
        raise SourceError("no job has failed or was canceled: name the jobs to run again")
    for job in jobs:
        if not job.ended:
            raise WrongUsage(f"'{job.name}' has not ended: it is {job.status}")
        if job.status in {"manual", "absent"}:
            raise WrongUsage(f"'{job.name}' has not run: it is {job.status}")
    found.retry(jobs, downstream=args.downstream)
    return _done(args, found, "running again", jobs)


def _failed(found: RunJobs) -> list[JobState]:
    """List the jobs that have failed or were canceled, as *Retry* of a pipeline does in GitLab."""
    jobs = (found.complete(job) for job in found.all() if job.ended and job.state != "success")
    return [job for job in jobs if job.status in {"failed", "canceled"}]


def _cancel(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.model.airflow_states import RUN_ENDED

    found = chosen_run.chosen(args)
    if not args.jobs:
        if found.api.run_state(found.dag, found.run) in RUN_ENDED:
            raise SourceError("the pipeline has already ended")
        found.api.stop_run(found.dag, found.run)
        return _done(args, found, "canceled", ())
    jobs = chosen_run.jobs_named(found, args.jobs)
    for job in jobs:
        if job.ended:
            raise WrongUsage(f"'{job.name}' has already ended: it is {job.status}")
    for job in jobs:
        found.cancel(job)
    return _done(args, found, "canceled", jobs)


def _done(args: argparse.Namespace, found: RunJobs, what: str, jobs: Sequence[JobState]) -> int:
    if args.json:
        _say_json(found, [{"name": job.name, "task_id": job.task} for job in jobs])
        return 0
    output.note(f"{what}: {', '.join(job.name for job in jobs) or 'the pipeline'}")
    output.say(found.api.run_url(found.dag, found.run))
    return 0


def _say_json(found: RunJobs, jobs: list[dict[str, Any]]) -> None:
    place = {"dag_id": found.dag, "run_id": found.run}
    output.say_json({**place, "url": found.api.run_url(found.dag, found.run), "jobs": jobs})


def _described(job: JobState) -> dict[str, Any]:
    return {
        "name": job.name,
        "task_id": job.task,
        "status": job.status,
        "tries": job.try_number,
        "reason": job.reason,
        "exit_code": job.result.get("exit_code"),
        "allowed_failure": bool(job.result.get("allowed_failure")),
    }

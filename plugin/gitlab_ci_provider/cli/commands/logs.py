"""`gitlab-dags logs`: the log of a job, from the embedded Airflow or any other."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import airflow, chosen_run, output
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.airflow_states import RUN_ENDED

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.jobs import JobState, RunJobs
    from gitlab_ci_provider.airflow_api.task_log import LogLine

_LOOK_SECONDS = 1.0


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "logs",
        help="show the log of a job",
        description="Show the log of a job, by default of its newest try in the newest pipeline. "
        "It works with the embedded stack, and with the Airflow of --airflow-url.",
    )
    chosen_run.add_flags(parser)
    parser.add_argument("job", metavar="JOB", help="name of the job")
    parser.add_argument("--try", type=int, metavar="N", dest="number", help="an earlier try")
    parser.add_argument(
        "-f",
        "--follow",
        action="store_true",
        help="wait until the job has started, and continue until it has ended, through its tries",
    )
    parser.add_argument("--timestamps", action="store_true", help="begin lines with their time")
    parser.add_argument("--raw", action="store_true", help="print what the job wrote, unchanged")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    airflow.add_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    found = chosen_run.chosen(args)
    (job,) = chosen_run.jobs_named(found, [args.job])
    if args.follow and not args.number:
        return _follow(args, found, job)
    number = args.number or job.try_number
    if not number:
        raise SourceError(f"'{job.name}' has not started: it is {job.status}")
    _show(args, found, job.task, number)
    return 0


def _follow(args: argparse.Namespace, found: RunJobs, job: JobState) -> int:
    """Show one try after the other, until the job has ended."""
    shown = 0
    while True:
        job = _started(found, job)
        if job.try_number == shown:
            return 0
        if shown:
            output.note(f"{job.name}: try {job.try_number}")
        shown = job.try_number
        _show(args, found, job.task, shown)
        job = found.now(job.task)


def _started(found: RunJobs, job: JobState) -> JobState:
    """Wait until a job has started; its log is that of an earlier try before.

    Raises:
        SourceError: it will not.
    """
    if job.state is None:
        output.note(f"waiting for '{job.name}' to start ...")
    while job.state is None:
        if found.api.run_state(found.dag, found.run) in RUN_ENDED:
            raise SourceError(f"'{job.name}' has not started, and its pipeline has ended")
        time.sleep(_LOOK_SECONDS)
        job = found.now(job.task)
    return job


def _show(args: argparse.Namespace, found: RunJobs, task: str, number: int) -> None:
    """Print the log of one try; with --follow until it is over."""
    from gitlab_ci_provider.airflow_api.task_log import TaskLog

    log = TaskLog(found.api, found.dag, found.run, task, number)
    while True:
        # Asked first: what was written until the end is then read.
        over = not args.follow or _is_over(found, task, number)
        for line in log.read():
            _say(args, line)
        if over:
            return
        output.flush()
        time.sleep(_LOOK_SECONDS)


def _is_over(found: RunJobs, task: str, number: int) -> bool:
    job = found.now(task)
    return job.ended or job.try_number != number


def _say(args: argparse.Namespace, line: LogLine) -> None:
    if args.json:
        output.say_json({"time": line.time, "level": line.level, "text": line.text})
        return
    prefix = f"{line.time or '-':27}  " if args.timestamps else ""
    output.say_log(f"{prefix}{line.text}", raw=args.raw)

"""What a runner makes of a job that needs a Docker daemon: with `image_builds: rewrite`, a build.

The rewritten job is the one that `gitlab-dags lint --fix` prints. A job of which anything cannot be
carried over stays as it is, and its log says why.
"""

from __future__ import annotations

from collections.abc import Callable

from gitlab_ci_provider.docker_builds.spots import Problem
from gitlab_ci_provider.image_builds.kaniko import IMAGE
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.runners.additions import for_runner

Tell = Callable[[str], None]


def without_daemon(request: PlanRequest, runner: RunnerProfile, note: Tell, warn: Tell) -> Job:
    """Return a job as the runner runs it.

    Args:
        request: of the job as compiled.
        runner: that has taken it.
        note: tells the job's log what happens.
        warn: tells it what does not.
    """
    job = request.job
    if runner.image_builds != "rewrite":
        return job
    # few runners need it
    from gitlab_ci_provider.docker_builds.known import known_in_run
    from gitlab_ci_provider.docker_builds.rewrite import read_docker_job

    engine, known = runner.kaniko_image or IMAGE, known_in_run(_seen(request, runner))
    found = read_docker_job(job, engine=engine, known=known)
    if found is None:
        return job
    if found.rewritten is not None:
        note("image_builds: this job builds its images without a Docker daemon, with Kaniko")
        return found.rewritten
    warn("image_builds: this job needs a Docker daemon and stays as it is:")
    for problem in found.problems:
        warn(_told(problem))
    return job


def _seen(request: PlanRequest, runner: RunnerProfile) -> dict[str, str]:
    """Return what the job's script sees of variables: those of projects and runners as well."""
    return {
        variable.name: f"$CI_PROJECT_DIR.tmp/{variable.name}" if variable.file else variable.value
        for variable in for_runner(request, runner).variables
    }


def _told(problem: Problem) -> str:
    spot = problem.spot
    where = spot.section if spot.name else f"{spot.section}, command {spot.item + 1}"
    return f"  {where}: {problem.what}. {problem.hint}"

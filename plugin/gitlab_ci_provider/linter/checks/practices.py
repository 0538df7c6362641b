"""What works and is still a bad idea: caches without key, Docker-in-Docker, old spellings."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.defaults import GLOBAL_KEYS
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.job import Job


def check_practices(config: CiConfig) -> Iterator[Diagnostic]:
    """Check caches, services, stages and deprecated keywords."""
    for one in config.jobs.values():
        yield from _check_caches(one.job)
        yield from _check_services(one.job)
        yield from _check_policy(one.job)
    yield from _check_globals(config)
    yield from _check_stages(config)


def _check_caches(job: Job) -> Iterator[Diagnostic]:
    for cache in job.caches:
        key = cache.key
        if key.value is None and not key.files and not key.files_commits:
            words = f"{job.name} job: a cache without key is shared by all jobs and branches"
            hint = "Set cache:key, for example $CI_COMMIT_REF_SLUG or cache:key:files."
            yield warning("cache-without-key", words, job.location, hint)
        if not cache.paths and not cache.untracked:
            words = f"{job.name} job: a cache without paths keeps nothing"
            yield warning("cache-without-paths", words, job.location)


def _check_services(job: Job) -> Iterator[Diagnostic]:
    for service in job.services:
        name = service.image.name.rpartition("/")[2]
        if name.startswith("docker:") and "dind" in name:
            words = f"{job.name} job: Docker-in-Docker needs privileged pods"
            hint = "Build images with Kaniko or BuildKit instead."
            yield warning("docker-in-docker", words, job.location, hint)


def _check_policy(job: Job) -> Iterator[Diagnostic]:
    if job.only or job.excluding:
        words = f"{job.name} job: only and except are no longer developed"
        yield warning("deprecated-only-except", words, job.location, "Use rules.")


def _check_globals(config: CiConfig) -> Iterator[Diagnostic]:
    for key in GLOBAL_KEYS:
        if config.tree.get(key) is not None:
            words = f"{key} at the top level is deprecated"
            place = config.tree.place(key).location()
            yield warning("deprecated-global", words, place, "Move it below default:.")


def _check_stages(config: CiConfig) -> Iterator[Diagnostic]:
    if "stages" not in config.tree:
        return
    used = {one.job.stage for one in config.jobs.values()}
    place = config.tree.place("stages").location()
    for stage in config.stages:
        if stage not in used and not stage.startswith("."):
            yield warning("stage-unused", f"stage {stage} has no jobs", place)

"""What works but is a bad idea: caches without a key, old spellings."""

from __future__ import annotations

from collections.abc import Iterator

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.defaults import GLOBAL_KEYS
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.linter.places import place, with_jobs
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning


def check_practices(config: CiConfig) -> Iterator[Diagnostic]:
    """Check caches, stages and deprecated keywords."""
    yield from with_jobs(
        (name, found)
        for name, entry in config.jobs.items()
        for check in (_check_caches, _check_policy)
        for found in check(entry)
    )
    yield from _check_globals(config)
    yield from _check_stages(config)


def _check_caches(entry: JobConfig) -> Iterator[Diagnostic]:
    at = place(entry.raw, "cache")
    for cache in entry.job.caches:
        key = cache.key
        if key.value is None and not key.files and not key.files_commits:
            words = "a cache without a key is shared by all jobs and branches"
            hint = "Set cache:key, for example $CI_COMMIT_REF_SLUG or cache:key:files."
            yield warning("cache-without-key", words, at, hint)
        if not cache.paths and not cache.untracked:
            yield warning("cache-without-paths", "a cache without paths saves nothing", at)


def _check_policy(entry: JobConfig) -> Iterator[Diagnostic]:
    for keyword, policy in (("only", entry.job.only), ("except", entry.job.excluding)):
        if policy:
            words = "only and except are no longer actively developed"
            yield warning("deprecated-only-except", words, place(entry.raw, keyword), "Use rules.")


def _check_globals(config: CiConfig) -> Iterator[Diagnostic]:
    for key in GLOBAL_KEYS:
        if config.tree.get(key) is not None:
            words = f"{key} at the top level is deprecated"
            place = config.tree.place(key).location()
            yield warning("deprecated-global", words, place, "Move it under `default:`.")


def _check_stages(config: CiConfig) -> Iterator[Diagnostic]:
    if "stages" not in config.tree:
        return
    used = {entry.job.stage for entry in config.jobs.values()}
    place = config.tree.place("stages").location()
    for stage in config.stages:
        if stage not in used and not stage.startswith("."):
            yield warning("stage-unused", f"stage {stage} has no jobs", place)

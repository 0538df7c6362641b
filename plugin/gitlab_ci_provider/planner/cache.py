"""Which caches a job restores and archives: keys become object keys, policies become phases.

Keys follow GitLab: protected refs have caches of their own, and `key:files` is a hash of contents.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.cache import Cache
from gitlab_ci_provider.model.plan import CacheArchive, CacheRestore
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.subject import Subject
from gitlab_ci_provider.storage.keys import cache_key
from gitlab_ci_provider.variables.expand import expand

_POLICIES = ("pull-push", "pull", "push")


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """What the two cache phases do."""

    restores: tuple[CacheRestore, ...]
    archives: tuple[CacheArchive, ...]


def plan_caches(subject: Subject, variables: Variables) -> CachePlan:
    """Decide about every cache of a job; one without paths does nothing."""
    settled = [
        _settle(subject, cache, position, variables)
        for position, cache in enumerate(subject.job.caches)
        if cache.paths or cache.untracked
    ]
    return CachePlan(
        restores=tuple(restore for policy, restore, _ in settled if "pull" in policy),
        archives=tuple(archive for policy, _, archive in settled if "push" in policy),
    )


def _settle(
    subject: Subject, cache: Cache, position: int, variables: Variables
) -> tuple[str, CacheRestore, CacheArchive]:
    policy = expand(cache.policy, variables)
    if policy not in _POLICIES:
        message = f"cache:policy is '{policy}', it must be one of {', '.join(_POLICIES)}"
        raise SystemFailure(message, reason="runner_configuration_error")
    suffix = "protected" if subject.run.ref.protected else "non_protected"
    key = f"{_key(subject, cache, position, variables)}-{suffix}"
    fallbacks = [f"{expand(one, variables)}-{suffix}" for one in cache.fallback_keys]
    last = next((one.value for one in variables if one.name == "CACHE_FALLBACK_KEY"), "")
    names = [key, *fallbacks, *([last] if last else [])]
    objects = tuple(cache_key(subject.run.project, name) for name in names)
    archive = CacheArchive(
        name=key,
        object_key=objects[0],
        paths=tuple(expand(path, variables) for path in cache.paths),
        untracked=cache.untracked,
        when=cache.when,
    )
    return policy, CacheRestore(name=key, object_keys=objects), archive


def _key(subject: Subject, cache: Cache, position: int, variables: Variables) -> str:
    """Make the key before its suffix: GitLab's `Seed::Build::Cache`."""
    key = cache.key
    if not key.files:
        return expand(key.value, variables) if key.value else "default"
    hashed = subject.run.file_keys.get("\n".join(key.files), "default")
    stems = "_".join(path.split(".")[0] for path in key.files)
    prefix = expand(key.prefix, variables) if key.prefix else f"{position}_{stems}"
    return f"{prefix}-{hashed}".replace("/", "_")

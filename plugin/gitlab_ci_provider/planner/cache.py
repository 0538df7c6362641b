"""Which caches a job restores and archives: keys become object keys, policies become phases.

Keys follow GitLab: protected refs have their own caches, `key:files` is a digest of contents,
`key:files_commits` one of commits, and caches that were cleared have another key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.model.cache import Cache, CacheKey, CachePolicy
from gitlab_ci_provider.model.plan import ArchiveFormat, CacheArchive, CacheRestore
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.planner.build_settings import VariableReader
from gitlab_ci_provider.planner.plan_request import PROTECTED_SUFFIX, PlanRequest
from gitlab_ci_provider.storage.keys import cleaned_key, runner_cache_key
from gitlab_ci_provider.variables.expand import expand


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePlan:
    """What the two cache phases do."""

    restores: tuple[CacheRestore, ...]
    archives: tuple[CacheArchive, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    policy: CachePolicy
    restore: CacheRestore
    archive: CacheArchive


def plan_caches(request: PlanRequest) -> CachePlan:
    """Decide about every cache of a job; one without paths does nothing."""
    settled = [
        _settle(request, cache, position)
        for position, cache in enumerate(request.job.caches)
        if cache.paths or cache.untracked
    ]
    return CachePlan(
        restores=tuple(cache.restore for cache in settled if cache.policy.restores),
        archives=tuple(cache.archive for cache in settled if cache.policy.archives),
    )


def _settle(request: PlanRequest, cache: Cache, position: int) -> _Settled:
    variables = request.variables
    suffix = request.cache_suffix(unprotect=cache.unprotect)
    key = f"{_key(request, cache, position, variables)}{suffix}"
    fallbacks = [f"{expand(name, variables)}{suffix}" for name in cache.fallback_keys]
    last, warnings = _last_fallback(variables)
    names = (key, *fallbacks, *last)
    objects = tuple(where for name in names for where in _objects(request, name))
    place = _place(request, key)
    archive = CacheArchive(
        name=key,
        object_key=place.object_key,
        paths=tuple(expand(path, variables) for path in cache.paths),
        untracked=cache.untracked,
        when=cache.when,
        format=place.format,
        warnings=place.warnings,
    )
    restore = CacheRestore(name=key, object_keys=objects, warnings=warnings)
    return _Settled(policy=_policy(cache, variables), restore=restore, archive=archive)


def _objects(request: PlanRequest, name: str) -> Iterator[str]:
    """Yield where a cache is looked for: where it is saved first, then in the other places."""
    own, theirs = [request.cache_key(name)], list(_of_runner(request, name))
    yield from [*theirs, *own] if request.runner_caches.saves else [*own, *theirs]


def _of_runner(request: PlanRequest, name: str) -> Iterator[str]:
    """Yield where GitLab Runner has put a cache: as FF_HASH_CACHE_KEYS says, then otherwise."""
    folder, hashed = request.runner_caches.folder, _hashes(request)
    if folder:
        places = (runner_cache_key(folder, name, hashed=each) for each in (hashed, not hashed))
        yield from filter(None, places)


def _hashes(request: PlanRequest) -> bool:
    return VariableReader(request.variables.get).boolean("FF_HASH_CACHE_KEYS", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a cache is saved, and in which form."""

    object_key: str
    format: ArchiveFormat = "tarzstd"
    warnings: tuple[str, ...] = ()


def _place(request: PlanRequest, name: str) -> _Place:
    """Settle where a cache is saved: in our own place, or so that GitLab Runner finds it."""
    caches = request.runner_caches
    if not (caches.saves and caches.folder):
        return _Place(object_key=request.cache_key(name))
    theirs = runner_cache_key(caches.folder, name, hashed=_hashes(request))
    if not theirs:
        none = f"the key {name!r} cannot name an object of GitLab Runner's: our own place is used"
        return _Place(object_key=request.cache_key(name), warnings=(none,))
    clean = name if _hashes(request) else cleaned_key(name)
    said = (f'cache key "{name}" sanitized to "{clean}"',) if clean != name else ()
    wanted = request.variables.get("CACHE_COMPRESSION_FORMAT").lower() or "zip"
    for form in get_args(ArchiveFormat):
        if wanted == form:
            return _Place(object_key=theirs, format=form, warnings=said)
    words = f"CACHE_COMPRESSION_FORMAT is {wanted!r}, which GitLab Runner does not know"
    return _Place(object_key=theirs, format="zip", warnings=(*said, f"{words}: zip is used"))


def _policy(cache: Cache, variables: Variables) -> CachePolicy:
    policy = expand(cache.policy, variables)
    try:
        return CachePolicy(policy)
    except ValueError:
        message = f"cache:policy is '{policy}', it must be one of {', '.join(CachePolicy)}"
        raise ConfigurationFailure(message) from None


def _last_fallback(variables: Variables) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the key of CACHE_FALLBACK_KEY, and a warning when it must not be used.

    It gets no suffix, so it could name the cache of a protected ref: the runner refuses that on
    every ref (`shells/abstract.go`), and reads the key as it cleans it.
    """
    written = variables.get("CACHE_FALLBACK_KEY")
    if not written:
        return (), ()
    if cleaned_key(written).rstrip(". ").endswith(PROTECTED_SUFFIX):
        return (), (f'CACHE_FALLBACK_KEY "{written}" not allowed to end in "{PROTECTED_SUFFIX}"',)
    return (written,), ()


def _key(request: PlanRequest, cache: Cache, position: int, variables: Variables) -> str:
    """Make the key before its suffix: GitLab's `Seed::Build::Cache`."""
    key = cache.key
    if not key.source:
        return "default" if key.value is None else expand(key.value, variables)
    digest = request.run.file_keys.get(key.source, "default")
    prefix = _usual_prefix(key, position) if key.prefix is None else key.prefix
    return f"{expand(prefix, variables)}-{digest}" if prefix.strip() else digest


def _usual_prefix(key: CacheKey, position: int) -> str:
    stems = (path.split(".")[0] for path in key.files or key.files_commits)
    return f"{position}_{'_'.join(stems)}"

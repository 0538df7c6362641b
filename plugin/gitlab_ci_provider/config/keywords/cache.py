"""`cache:`: one mapping or a list of up to four."""

from __future__ import annotations

from urllib.parse import unquote_plus

from gitlab_ci_provider.config.keywords.artifacts import WHEN
from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    choice,
    mapping,
    strings,
)
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.cache import Cache, CacheKey

KEYS = ("key", "untracked", "paths", "when", "policy", "unprotect", "fallback_keys")
POLICIES = ("pull-push", "push", "pull")
MAX_CACHES = 4
MAX_FALLBACK_KEYS = 5


def read_caches(field: Field) -> tuple[Cache, ...] | None:
    """Read `cache:`."""
    if not isinstance(field.value, Seq):
        cache = _read_cache(field)
        return (cache,) if cache else None
    if len(field.value) > MAX_CACHES:
        field.refuse(f"no more than {MAX_CACHES} caches can be created")
    read = (_read_cache(item) for item in field.items("cache"))
    return tuple(cache for cache in read if cache)


def _read_cache(field: Field) -> Cache | None:
    if not mapping(field, KEYS):
        return None
    return Cache(
        key=field.read("key", _read_key) or CacheKey(),
        paths=field.read("paths", strings) or (),
        untracked=field.read("untracked", boolean) or False,
        policy=field.get("policy", _read_policy) or "pull-push",
        when=field.get("when", lambda entry: choice(entry, WHEN)) or "on_success",
        fallback_keys=field.get("fallback_keys", _read_fallback_keys) or (),
        unprotect=field.get("unprotect", boolean) or False,
    )


def _read_policy(field: Field) -> str | None:
    """Accept a variable as well: it is known in the job only."""
    if isinstance(field.value, str) and field.value.startswith("$"):
        return field.value
    if field.value in POLICIES:
        return str(field.value)
    field.refuse("should be a variable or one of: pull-push, push, pull")
    return None


def _read_fallback_keys(field: Field) -> tuple[str, ...] | None:
    keys = strings(field)
    if keys and len(keys) > MAX_FALLBACK_KEYS:
        field.refuse(f"has to many entries (maximum {MAX_FALLBACK_KEYS})")
    return keys


def _read_key(field: Field) -> CacheKey | None:
    if isinstance(field.value, str):
        return CacheKey(value=field.value) if _usable(field, field.value) else None
    if not isinstance(field.value, Map):
        field.refuse_as("should be a hash, a string or a symbol")
        return None
    field.only(("files", "files_commits", "prefix"))
    source = field.read("files", _read_files)
    commits = field.read("files_commits", _read_files)
    if field.value.get("files") is None and field.value.get("files_commits") is None:
        field.refuse("missing required keys: files")
    return CacheKey(
        files=source or (), files_commits=commits or (), prefix=field.read("prefix", _prefix)
    )


def _prefix(field: Field) -> str | None:
    if isinstance(field.value, str):
        return field.value
    field.refuse("should be a string or symbol")
    return None


def _usable(field: Field, written: str) -> bool:
    key = unquote_plus(written)
    if "/" in key:
        field.refuse('cannot contain the "/" character')
        return False
    if key and not key.strip("."):
        field.refuse('cannot be "." or ".."')
        return False
    return True


def _read_files(field: Field) -> tuple[str, ...] | None:
    files = strings(field)
    if files is None:
        return None
    if not files:
        field.refuse("requires at least 1 item")
    elif len(files) > 2:
        field.refuse("has too many items (maximum is 2)")
    return files

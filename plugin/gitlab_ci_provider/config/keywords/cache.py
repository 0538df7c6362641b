"""`cache:`: one mapping or a list of up to four."""

from __future__ import annotations

from urllib.parse import unquote_plus

from gitlab_ci_provider.config.keywords.fields import (
    Field,
    boolean,
    choice,
    flat_items,
    is_blank,
    mapping,
    strings,
)
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.artifacts import SAVE_WHEN
from gitlab_ci_provider.model.cache import Cache, CacheKey, CachePolicy

KEYS = ("key", "untracked", "paths", "when", "policy", "unprotect", "fallback_keys")
MAX_CACHES = 4
_WRONG = "can only be a Hash or an Array"
MAX_FALLBACK_KEYS = 5
MAX_FILES = 2
_MORE_FILES = (
    "GitLab 19.5 takes ten with its flag increase_ci_cache_key_files_limit, which is off by "
    "default. Use a wildcard, or several caches."
)


def read_caches(field: Field) -> tuple[Cache, ...] | None:
    """Read `cache:`."""
    label = field.label.removesuffix("cache") + "caches"
    if not isinstance(field.value, Seq | Map):
        field.diagnostics.error("keyword-invalid", f"{label} config {_WRONG}", field.mark)
        return None
    if isinstance(field.value, Seq) and len(field.value) > MAX_CACHES:
        words = f"{label} config no more than {MAX_CACHES} caches can be created"
        field.diagnostics.error("keyword-invalid", words, field.mark)
    read = [_read_cache(item) for item in flat_items(field)]
    return tuple(cache for cache in read if cache)


def _read_cache(field: Field) -> Cache | None:
    if not mapping(field, KEYS):
        return None
    return Cache(
        key=field.read("key", _read_key) or CacheKey(),
        paths=field.read("paths", strings) or (),
        untracked=field.read("untracked", boolean) or False,
        policy=field.get("policy", _read_policy) or CachePolicy.PULL_PUSH,
        when=field.get("when", lambda entry: choice(entry, SAVE_WHEN)) or "on_success",
        fallback_keys=_read_fallback_keys(field),
        unprotect=field.read("unprotect", boolean) or False,
    )


def _read_policy(field: Field) -> str | None:
    """Accept a variable, too: its value is known only in the job."""
    if is_blank(field.value):
        return None
    policies = tuple(CachePolicy)
    if isinstance(field.value, str) and (field.value in policies or field.value[0] == "$"):
        return field.value
    if not isinstance(field.value, str):
        field.refuse("should be a string")
    field.refuse(f"should be a variable or one of: {', '.join(policies)}")
    return None


def _read_fallback_keys(cache: Field) -> tuple[str, ...]:
    keys = cache.read("fallback_keys", strings) or ()
    if len(keys) > MAX_FALLBACK_KEYS:
        cache.refuse_as(f"fallback keys has to many entries (maximum {MAX_FALLBACK_KEYS})")
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
    if "files" not in field.value and "files_commits" not in field.value:
        field.refuse("missing required keys: files")
    elif "files" in field.value and "files_commits" in field.value:
        field.refuse("must use exactly one of these keys: files, files_commits")
    return CacheKey(
        files=source or (), files_commits=commits or (), prefix=field.read("prefix", _prefix)
    )


def _prefix(field: Field) -> str | None:
    if isinstance(field.value, str):
        return field.value if _usable(field, field.value) else None
    field.refuse("should be a string or symbol")
    return None


def _usable(field: Field, written: str) -> bool:
    key = unquote_plus(written)
    if "/" in key:
        field.refuse('cannot contain the "/" character')
        return False
    if key in (".", ".."):
        field.refuse('cannot be "." or ".."')
        return False
    return True


def _read_files(field: Field) -> tuple[str, ...] | None:
    files = strings(field)
    if files is None:
        return None
    if not files:
        field.refuse("requires at least 1 item")
    elif len(files) > MAX_FILES:
        field.refuse(f"has too many items (maximum is {MAX_FILES})", hint=_MORE_FILES)
    return tuple(file.lstrip("/") for file in files)

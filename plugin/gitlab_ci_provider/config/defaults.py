"""`default:`, `inherit:default` and the old global keywords.

A default is used whole or not at all: it is never merged with the job's own value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitlab_ci_provider.config.keywords.artifacts import read_artifacts
from gitlab_ci_provider.config.keywords.as_written import read_hooks
from gitlab_ci_provider.config.keywords.cache import read_caches
from gitlab_ci_provider.config.keywords.fields import Field, boolean, mapping
from gitlab_ci_provider.config.keywords.image import read_image, read_services
from gitlab_ci_provider.config.keywords.job import (
    DEFAULT_NAMES,
    is_bridge,
    read_tags,
    read_timeout,
)
from gitlab_ci_provider.config.keywords.retry import read_retry
from gitlab_ci_provider.config.keywords.script import read_commands
from gitlab_ci_provider.config.keywords.secrets import check_id_tokens
from gitlab_ci_provider.config.raw import Map, Node, Seq

GLOBAL_KEYS = ("image", "services", "before_script", "after_script", "cache")
"""Deprecated at the top level, still read there."""

ROOT_KEYS = frozenset({*GLOBAL_KEYS, "default", "include", "variables", "stages", "workflow"})
"""Names at the top level that are no jobs."""

BRIDGE_DEFAULTS = ("interruptible",)
_READERS: dict[str, Callable[[Field], object]] = {
    "before_script": read_commands,
    "after_script": read_commands,
    "image": read_image,
    "services": read_services,
    "cache": read_caches,
    "artifacts": read_artifacts,
    "retry": read_retry,
    "tags": read_tags,
    "timeout": read_timeout,
    "interruptible": boolean,
    "hooks": read_hooks,
    "id_tokens": check_id_tokens,
}


def read_defaults(root: Field) -> Map:
    """Collect the defaults of a file; each key is checked here once for all jobs."""
    defaults = Map(root.mark)
    tree = root.value if isinstance(root.value, Map) else defaults
    block = root.entry("default")
    if block and mapping(block, DEFAULT_NAMES) and isinstance(block.value, Map):
        _check(block, sorted(DEFAULT_NAMES))
        _warn_of_timeout(block)
        for key, value in block.value.items():
            if key in DEFAULT_NAMES:
                defaults.put(key, value, block.value.place(key))
    _check(root, GLOBAL_KEYS)
    for key in GLOBAL_KEYS:
        if tree.get(key) is None:
            continue
        if defaults.get(key) is not None and block:
            block.refuse(f"{key} is defined in top-level and `default:` entry", "default-twice")
        defaults.put(key, tree[key], tree.place(key))
    return defaults


def _warn_of_timeout(block: Field) -> None:
    timeout = block.entry("timeout")
    if timeout:
        words = "default:timeout has no effect, neither in GitLab (issue 213634) nor here"
        hint = "Set `timeout` in each job, or in a job that they extend."
        block.diagnostics.warning("default-timeout", words, timeout.mark, hint)


def _check(field: Field, keys: Iterable[str]) -> None:
    for key in keys:
        if key in _READERS:
            field.read(key, _READERS[key])


def apply_defaults(job: Map, defaults: Map) -> Map:
    """Return a job with the defaults that it lacks and inherits."""
    keys = BRIDGE_DEFAULTS if is_bridge(job) else tuple(defaults)
    missing = [
        key for key in keys if key in defaults and job.get(key) is None and _inherits(job, key)
    ]
    if not missing:
        return job
    filled = job.copy()
    for key in missing:
        filled.put(key, defaults[key], defaults.place(key))
    return filled


def _inherits(job: Map, key: str) -> bool:
    inherit = job.get("inherit")
    wanted: Node = inherit.get("default") if isinstance(inherit, Map) else None
    return key in wanted if isinstance(wanted, Seq) else wanted is not False

"""Warnings of keywords that are not honoured fully: nothing is dropped silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.config.raw import Map, Mark, Node
from gitlab_ci_provider.linter.places import with_jobs
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.support import Limit, limits


def check_support(jobs: Iterable[JobConfig]) -> Iterator[Diagnostic]:
    """Warn of keywords that are not honoured fully: once where each is written, with its jobs."""
    return with_jobs(
        (entry.job.name, _warning(limit, entry.raw))
        for entry in jobs
        for limit in limits(entry.job)
    )


def _warning(limit: Limit, raw: Map) -> Diagnostic:
    words = f"{limit.keyword} {_extent(limit)}: {limit.effect}"
    return warning("keyword-unsupported", words, _place(raw, limit.keyword).location())


def _extent(limit: Limit) -> str:
    return "is not supported" if limit.blocking else "is not fully supported"


def _place(raw: Map, keyword: str) -> Mark:
    """Return where a keyword such as `image:docker` is written, as far as its mappings go."""
    place, node = raw.mark, _mapping(raw)
    for key in keyword.split(":"):
        if node is None or key not in node:
            break
        place, node = node.place(key), _mapping(node[key])
    return place


def _mapping(node: Node) -> Map | None:
    return node if isinstance(node, Map) else None

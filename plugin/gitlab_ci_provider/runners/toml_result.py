"""Whether what was imported can be used: each problem of the result, at its line of config.toml."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.config.yaml_errors import LoadError
from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.runners.file import read_runners

Target = tuple[int, tuple[str, ...]]
"""The number of a runner in the result, and the path of an option in it."""

_NAME = "runners.yml"


def result_problems(
    text: str, places: Mapping[Target, int], config: str, starts: Mapping[int, int]
) -> Iterator[Diagnostic]:
    """List what the reader of runners says of the result.

    Args:
        text: the result.
        places: the line of config.toml that each option comes from.
        config: the name of config.toml.
        starts: the line of each runner.
    """
    found = read_runners(text.encode(), _NAME, RunnerProfile()).diagnostics
    if not found:
        return
    try:
        lines = sorted(_lines(text, places, starts))
    except LoadError:
        lines = []  # it is too big, or too deep, which is among the problems
    for problem in found:
        at = bisect_right(lines, (problem.location.line, _LAST)) - 1
        line = lines[at][1] if at >= 0 else 1
        yield replace(problem, location=SourceLocation(file=config, line=line))


def _lines(
    text: str, places: Mapping[Target, int], starts: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """List lines of the result with those of config.toml."""
    tree = load(text, _NAME, Diagnostics())
    of_runners: dict[int, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
    for (of, path), line in places.items():
        of_runners[of].append((path, line))
    listed = tree.get("runners") if isinstance(tree, Map) else None
    for number, runner in enumerate(listed if isinstance(listed, Seq) else ()):
        if not isinstance(runner, Map):
            continue
        yield runner.mark.line, starts[number]
        for path, line in of_runners[number]:
            yield _line(runner, path), line


def _line(node: Map, path: tuple[str, ...]) -> int:
    *groups, last = path
    for group in groups:
        below = node.get(group)
        if not isinstance(below, Map):
            return node.place(group).line
        node = below
    return node.place(last).line


_LAST = 2**31
"""Above the number of any line."""

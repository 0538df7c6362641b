"""`include:`: files are read, and merged below the file that includes them.

Source: GitLab's `Gitlab::Ci::Config::External`: at most 150 files, later includes over earlier
ones, the including file over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.config.includes.fetcher import FileFetcher
from gitlab_ci_provider.config.includes.locations import Location, read_locations
from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.loader import LoadError, load
from gitlab_ci_provider.config.merge import deep_merge
from gitlab_ci_provider.config.raw import Map, Mark
from gitlab_ci_provider.config.report import Report
from gitlab_ci_provider.config.text import decode
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.variables import merge
from gitlab_ci_provider.rules.match import RuleView
from gitlab_ci_provider.variables.expand import expand_values
from gitlab_ci_provider.variables.predefined import pipeline_variables

MAX_INCLUDES = 150


@dataclass(frozen=True, slots=True)
class LoadedTree:
    """A configuration with its includes merged in, and the files that it came from."""

    tree: Map
    files: tuple[str, ...]


def load_tree(
    fetcher: FileFetcher, context: PipelineContext, config_path: str, report: Report
) -> LoadedTree | None:
    """Read the main file and everything that it includes."""
    return _Processor(fetcher, context, report).run(config_path)


class _Processor:
    def __init__(self, fetcher: FileFetcher, context: PipelineContext, report: Report):
        self.fetcher = fetcher
        self.report = report
        self.view = _view(context, fetcher)
        self.files: list[str] = []
        self.included = 0

    def run(self, path: str) -> LoadedTree | None:
        """Read the main file, then what it includes."""
        tree = self._read(path, Mark(path), f"{path} does not exist in the repository")
        if tree is None:
            return None
        return LoadedTree(self._expand(tree, path), tuple(self.files))

    def _expand(self, tree: Map, path: str) -> Map:
        """Merge what a file includes below it."""
        field = Field(tree, "", "config", Mark(path), self.report).entry("include")
        if field is None:
            return tree.without("include")
        below = Map(tree.mark)
        for location in read_locations(field, self.view, self.fetcher):
            included = self._include(location)
            if included is not None:
                below = deep_merge(below, included)
        return deep_merge(below, tree.without("include"))

    def _include(self, location: Location) -> Map | None:
        self.included += 1
        if self.included > MAX_INCLUDES:
            if self.included == MAX_INCLUDES + 1:
                message = f"Maximum of {MAX_INCLUDES} nested includes are allowed!"
                self.report.error("include-too-many", message, location.mark)
            return None
        if location.kind != "local":
            message = f"include:{location.kind} cannot be read here: {location.path}"
            self.report.error("include-unsupported", message, location.mark)
            return None
        path = location.path
        tree = self._read(path, location.mark, f"Local file `{path}` does not exist!")
        return None if tree is None else self._expand(tree, path)

    def _read(self, path: str, wanted_at: Mark, missing: str) -> Map | None:
        try:
            content = self.fetcher.read(path)
        except SourceError as error:
            self.report.error("file-unreadable", str(error), wanted_at)
            return None
        if content is None:
            self.report.error("file-missing", missing, wanted_at)
            return None
        self.files.append(path)
        text = decode(content, path, self.report)
        return None if text is None else self._parse(text, path)

    def _parse(self, text: str, path: str) -> Map | None:
        try:
            node = load(text, path, self.report)
        except LoadError as error:
            self.report.error(error.code, error.message, error.mark)
            return None
        if isinstance(node, Map):
            return node
        self.report.error("yaml-not-a-hash", "Invalid configuration format", Mark(path))
        return None


def _view(context: PipelineContext, fetcher: FileFetcher) -> RuleView:
    """Build what `include:rules` see: no variable of the file, only those from before it."""
    variables = merge(pipeline_variables(context), context.variables)
    return RuleView(
        variables={variable.name: variable.value for variable in variables},
        expand=lambda: expand_values(variables),
        changed_paths=context.changed_paths,
        tree=lambda: frozenset(fetcher.paths()),
    )

"""`include:`: files are read, and merged below the file that includes them.

Source: GitLab's `Gitlab::Ci::Config::External`: at most 150 files, later includes over earlier
ones, the including file over all of them. What a remote file or a template includes sees no
variables and no project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.includes.content import Reading, read_tree
from gitlab_ci_provider.config.includes.fetcher import Elsewhere, FileFetcher
from gitlab_ci_provider.config.includes.locations import Location, read_locations
from gitlab_ci_provider.config.includes.origin import (
    NO_PROJECT,
    Finder,
    IncludeError,
    Origin,
    main_elsewhere,
)
from gitlab_ci_provider.config.inputs.functions import known
from gitlab_ci_provider.config.inputs.spec import read_inputs
from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.raw import Map, Mark, deep_merge
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.input_spec import InputSpec
from gitlab_ci_provider.model.pipeline import Included
from gitlab_ci_provider.rules.view import include_view
from gitlab_ci_provider.variables.precedence import include_variables

MAX_INCLUDES = 150
MAX_BYTES = 50_000_000
"""Of all files together; GitLab's own limit is an instance's setting."""


@dataclass(frozen=True, slots=True)
class LoadedTree:
    """A configuration with its includes merged in, and the files that it came from."""

    tree: Map
    files: tuple[str, ...]
    locations: tuple[Location, ...]
    inputs: Mapping[str, InputSpec]
    lock: tuple[Included, ...]
    emptied: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """Where files come from: the repository, and what is outside of it when it can be reached."""

    own: FileFetcher
    elsewhere: Elsewhere | None = None


def load_tree(
    sources: Sources, context: PipelineContext, config_path: str, diagnostics: Diagnostics
) -> LoadedTree | None:
    """Read the main file and everything that it includes."""
    return _Processor(sources, context, diagnostics).run(config_path)


class _Processor:
    def __init__(self, sources: Sources, context: PipelineContext, diagnostics: Diagnostics):
        self.finder = Finder(context, sources.own, sources.elsewhere)
        self.diagnostics = diagnostics
        self.known = known(include_variables(context))
        self.view = include_view(context, lambda: frozenset(sources.own.paths()))
        self.public_view = replace(self.view, variables={}, expand=dict, tree=frozenset)
        self.files: list[str] = []
        self.locations: list[Location] = []
        self.trees: dict[tuple[str, str], Map | None] = {}
        self.taken: list[tuple[FileFetcher, set[str]]] = []
        self.bytes = 0
        self.lock: dict[Included, None] = {}
        self.inputs: dict[str, InputSpec] = {}
        self.emptied = False

    def run(self, path: str) -> LoadedTree | None:
        """Read the main file, then what it includes."""
        origin = self._main(path)
        if origin is None:
            return None
        tree = self._read(origin, self.finder.context.inputs, "", Mark(path))
        if tree is None:
            return None
        merged = self._expand(tree, origin)
        files, places = tuple(self.files), tuple(self.locations)
        lock = tuple(self.lock)
        return LoadedTree(merged, files, places, self.inputs, lock, emptied=self.emptied)

    def _main(self, path: str) -> Origin | None:
        own = self.finder.own
        try:
            content = main_elsewhere(path) or own.read(path)
        except SourceError as error:
            self.diagnostics.error("file-unreadable", str(error), Mark(path))
            return None
        if content is None:
            self.diagnostics.error(
                "file-missing", f"there is no {path} in the repository", Mark(path, line=0)
            )
            return None
        return Origin(path, path, content, own)

    def _expand(self, tree: Map, origin: Origin) -> Map:
        """Merge what a file includes below it."""
        field = Field(tree, "", "config", Mark(origin.name), self.diagnostics).entry("include")
        below = Map(tree.mark)
        if field is not None:
            for location in self._locations(field, origin):
                included = self._include(location, origin)
                if included is not None:
                    below = deep_merge(below, included)
        return deep_merge(below, tree.without("include"))

    def _locations(self, field: Field, parent: Origin) -> list[Location]:
        """List what a file includes; wildcards leave out what was included before."""
        taken = next((paths for files, paths in self.taken if files is parent.files), None)
        if taken is None:
            taken = set()
            self.taken.append((parent.files, taken))
        view = self.public_view if parent.files is NO_PROJECT else self.view
        listed = read_locations(field, view, parent.files, taken)
        taken.update(found.path for found in listed.locations if found.kind == "local")
        self.emptied = self.emptied or listed.emptied
        return listed.locations

    def _include(self, location: Location, parent: Origin) -> Map | None:
        origin = self._find(location, parent)
        if origin is None:
            return None
        tree = self._read(origin, location.inputs, f"`{origin.shown}`: ", location.mark)
        return None if tree is None else self._expand(tree, origin)

    def _find(self, location: Location, parent: Origin) -> Origin | None:
        self.locations.append(location)
        if len(self.locations) > MAX_INCLUDES:
            if len(self.locations) == MAX_INCLUDES + 1:
                message = f"Maximum of {MAX_INCLUDES} nested includes are allowed!"
                self.diagnostics.error("include-too-many", message, location.mark)
            return None
        try:
            found = self.finder.find(location, parent.files)
        except IncludeError as error:
            self.diagnostics.error(error.code, error.message, location.mark, error.hint)
            return None
        origin = found.without_secrets(self.diagnostics.hide)
        if origin.lock is not None:
            self.lock[origin.lock] = None
        return origin

    def _read(
        self, origin: Origin, given: Mapping[str, object], prefix: str, at: Mark
    ) -> Map | None:
        """Read a file once for each set of inputs, however often it is included."""
        key = (origin.key or origin.name, repr(given))
        if key not in self.trees:
            self.trees[key] = self._read_anew(origin, given, prefix, at)
        return self.trees[key]

    def _read_anew(
        self, origin: Origin, given: Mapping[str, object], prefix: str, at: Mark
    ) -> Map | None:
        self.files.append(origin.name)
        self.bytes += len(origin.content)
        if self.bytes > MAX_BYTES:
            message = "Total size of combined CI/CD configuration is too big"
            self.diagnostics.error("include-too-big", message, at)
            return None
        reading = Reading(
            given=given,
            known=self.known,
            shared=lambda field: self._shared_inputs(field, origin),
            prefix=prefix,
            at=at,
            show=self._show if not prefix else lambda _: None,
        )
        return read_tree(origin, reading, self.diagnostics)

    def _show(self, specs: Mapping[str, InputSpec]) -> None:
        """Keep the inputs of the main file: the person who starts the pipeline may set them."""
        self.inputs.update(specs)

    def _shared_inputs(self, field: Field, parent: Origin) -> Mapping[str, InputSpec]:
        """Read the files of `spec:include`; their only key is `inputs`."""
        specs: dict[str, InputSpec] = {}
        for location in self._locations(field, parent):
            origin = self._find(location, parent)
            if origin is None:
                continue
            tree = self._read(origin, {}, f"`{origin.shown}`: ", location.mark)
            if tree is not None:
                label = f"`{origin.shown}`"
                owner = Field(tree, label, f"{label} config", Mark(origin.name), self.diagnostics)
                unknown = ", ".join(f":{key}" for key in tree if key != "inputs")
                if unknown:
                    words = f"Header include file {label} contains unknown keys: [{unknown}]"
                    self.diagnostics.error("keyword-unknown", words, owner.mark)
                specs |= read_inputs(owner)
        return specs

"""A `trigger:include` to the pipeline of the child that it creates.

GitLab makes a configuration of one keyword, `include`, and compiles it like any other. Here too;
a file that is a job's artifact is put among the repository's files, where the rest finds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gitlab_ci_provider.compiler.compile import CompileResult, compile_pipeline
from gitlab_ci_provider.config.includes.fetcher import Elsewhere, FileFetcher
from gitlab_ci_provider.model.bridge import Bridge
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.variables.expand import expand_known, expand_values
from gitlab_ci_provider.variables.predefined import pipeline_variables

ReadArtifact = Callable[[str, str], bytes]
"""Gives a file of a job's artifacts, by the job and the path in them."""


@dataclass(frozen=True, slots=True)
class ChildFiles:
    """The files of a commit, and some that it does not have; a `FileFetcher`."""

    own: FileFetcher
    added: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        """Return a file's contents; None when there is no such file."""
        return self.added[path] if path in self.added else self.own.read(path)

    def paths(self) -> Sequence[str]:
        """List the commit's files."""
        return self.own.paths()


def compile_child(
    bridge: Bridge,
    files: FileFetcher,
    context: PipelineContext,
    *,
    name: str,
    read_artifact: ReadArtifact | None = None,
    elsewhere: Elsewhere | None = None,
) -> CompileResult:
    """Compile the child pipeline of a bridge.

    Args:
        bridge: what the job triggers.
        files: of the parent's commit.
        context: of the child: the parent's commit and ref, the variables that are forwarded.
        name: of the job, for messages.
        read_artifact: needed for a dynamic child; what it raises passes through.
        elsewhere: files from outside of the repository.
    """
    added = dict(_artifacts(bridge, context, read_artifact)) if read_artifact else {}
    includes = [_include(bridge, include, context) for include in bridge.includes]
    path = f"trigger:include of {name}"
    added[path] = json.dumps({"include": includes}).encode()
    return compile_pipeline(ChildFiles(files, added), context, path=path, elsewhere=elsewhere)


def is_dynamic(bridge: Bridge) -> bool:
    """Return whether the child's jobs are known only once another job has made them."""
    return any("artifact" in include for include in bridge.includes)


def _artifacts(
    bridge: Bridge, context: PipelineContext, read_artifact: ReadArtifact
) -> Iterator[tuple[str, bytes]]:
    for include in bridge.includes:
        if "artifact" in include:
            job, path = (_expand(include[key], context) for key in ("job", "artifact"))
            yield _name(job, path), read_artifact(job, path)


def _include(
    bridge: Bridge, include: Mapping[str, object], context: PipelineContext
) -> dict[str, object]:
    entry = {key: value for key, value in include.items() if key not in {"artifact", "job"}}
    if "artifact" in include:
        job, path = (_expand(include[key], context) for key in ("job", "artifact"))
        entry["local"] = _name(job, path)
    if bridge.inputs:
        own = include.get("inputs")
        entry["inputs"] = {**bridge.inputs, **(own if isinstance(own, Mapping) else {})}
    return entry


def _name(job: str, path: str) -> str:
    """Name an artifact's file as messages show it; `*` would be read as a wildcard."""
    return f"artifacts of {job}/{path}".replace("*", "_")


def _expand(text: object, context: PipelineContext) -> str:
    known = expand_values(pipeline_variables(context) | context.variables)
    return expand_known(str(text), known)

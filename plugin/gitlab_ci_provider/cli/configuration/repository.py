"""What rules see of a repository on disk, and of others where those may be read."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.config.includes.fetcher import Elsewhere
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import Commit
from gitlab_ci_provider.rules.skip_ci import SKIPPING
from gitlab_ci_provider.sources.directory import DirectoryFetcher
from gitlab_ci_provider.sources.lookups import LazyPaths, LookedUp


def with_repository(
    request: Request, fetcher: DirectoryFetcher, pipeline: Pipeline, context: PipelineContext
) -> PipelineContext:
    """Let the rules look at the repository, and at others where they may be read."""
    in_git = (fetcher.root / ".git").exists()
    compares = in_git and request.changed is None
    elsewhere = request.elsewhere()
    asks = context.source in SKIPPING or _asks(pipeline)
    return replace(
        context,
        commit=_commit(request, fetcher.root) if in_git and asks else context.commit,
        tree_paths=LazyPaths(fetcher.paths),
        compared=LookedUp(lambda ref: _changed_since(fetcher.root, ref)) if compares else {},
        other_trees=LookedUp(lambda place: _paths_of(elsewhere, place)) if elsewhere else {},
    )


def with_changes(
    request: Request, fetcher: DirectoryFetcher, context: PipelineContext
) -> PipelineContext:
    """Take what differs from the target for the files of a merge request, unless they were given.

    Only a working copy that has the target knows them.
    """
    target = context.target_branch
    if request.changed is not None or not target or not (fetcher.root / ".git").exists():
        return context
    return replace(context, changed_paths=_changed_since(fetcher.root, target))


_OF_COMMIT = re.compile(r"CI_COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|AUTHOR|TIMESTAMP)")


def _asks(pipeline: Pipeline) -> bool:
    """Return whether anything may depend on what a commit says, for which git has to run."""
    texts = [pipeline.workflow.name, *(one.condition for one in pipeline.workflow.rules or ())]
    for job in pipeline.jobs.values():
        texts += [rule.condition for rule in job.rules or ()]
        for policy in (job.only, job.excluding):
            texts += policy.variables or () if policy else ()
        texts += [one.value for one in job.variables]
    return any(text and _OF_COMMIT.search(text) for text in texts)


def _commit(request: Request, folder: Path) -> Commit:
    from gitlab_ci_provider.sources.work_tree import read_commit  # it runs git

    return read_commit(folder, request.sha or request.tag or request.ref)


def _changed_since(folder: Path, ref: str) -> Collection[str] | None:
    from gitlab_ci_provider.sources.work_tree import changed_since  # it runs git

    return changed_since(folder, ref)


def _paths_of(elsewhere: Elsewhere, place: str) -> Collection[str] | None:
    project, _, ref = place.rpartition("@")
    other = elsewhere.project(project, ref or None)
    return None if other is None else frozenset(other.files.paths())

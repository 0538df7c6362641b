"""What a rule may read: variables, changed files and files, for the workflow or for one job."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.variables.expand import expand_in_rules
from gitlab_ci_provider.variables.precedence import (
    include_variables,
    layered,
    workflow_variables,
    yaml_variables,
)

_PUSHED = ("push", "parent_pipeline")
_DIFFED = ("merge_request_event", "external_pull_request_event")


@dataclass(frozen=True)
class RuleView:
    """Everything that a rule may read.

    Attributes:
        variables: not expanded, for `if`.
        expand: gives the expanded ones, for `changes` and `exists`; called when needed only.
        changed_paths: None when there is no push diff; `changes` is true then.
        compared: files that differ from a ref, for `changes:compare_to`; None for an unknown ref.
        given_paths: used in place of `compared` for a ref that is not in it.
        tree: gives the files at the commit, for `exists`; called when needed only.
        other_trees: files of other projects, by `project@ref`; None for an unknown one.
        masked: values that messages must not show.
    """

    variables: Mapping[str, str]
    expand: Callable[[], Mapping[str, str]]
    changed_paths: Collection[str] | None = None
    compared: Mapping[str, Collection[str] | None] = field(default_factory=dict)
    given_paths: Collection[str] | None = None
    tree: Callable[[], Collection[str]] = tuple
    other_trees: Mapping[str, Collection[str] | None] = field(default_factory=dict)
    masked: Collection[str] = ()

    @cached_property
    def expanded(self) -> Mapping[str, str]:
        """The variables after expansion."""
        return self.expand()


def workflow_view(pipeline: Pipeline, context: PipelineContext, predefined: Variables) -> RuleView:
    """Build what `workflow:rules` may read."""
    return _view(workflow_variables(pipeline, context, predefined), context)


def job_view(
    job: Job, pipeline: Pipeline, context: PipelineContext, workflow: Variables, given: Variables
) -> RuleView:
    """Build what the rules of a job may read.

    `workflow` is what `workflow:rules` adds to the global variables, `given` what is predefined.
    """
    written = yaml_variables(job, pipeline.variables, workflow)
    return _view(layered(job, context, given, written), context)


def include_view(context: PipelineContext, tree: Callable[[], Collection[str]]) -> RuleView:
    """Build what `include:rules` may read; `tree` gives the files at the commit."""
    return replace(_view(include_variables(context), context), tree=tree)


def _view(variables: Variables, context: PipelineContext) -> RuleView:
    return RuleView(
        variables=variables.as_dict(),
        expand=lambda: expand_in_rules(variables),
        changed_paths=pushed_paths(context),
        compared=context.compared,
        given_paths=context.changed_paths,
        tree=lambda: context.tree_paths or (),
        other_trees=context.other_trees,
        masked=variables.masked_values,
    )


def pushed_paths(context: PipelineContext) -> Collection[str] | None:
    """Return the files of the push; None where GitLab has no push diff.

    Only pushes to branches and merge requests have a diff, and child pipelines of those: for tags,
    schedules, the API and everything else `changes` is true.
    """
    if context.source in _DIFFED or (
        context.source in _PUSHED and context.ref.kind is RefKind.BRANCH
    ):
        return context.changed_paths
    return None

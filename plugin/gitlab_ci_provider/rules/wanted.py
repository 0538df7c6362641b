"""What a decision needs to know of the repository, so that nobody looks it up for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.rules import Rule
from gitlab_ci_provider.rules.match import other_tree
from gitlab_ci_provider.rules.view import RuleView, job_view, workflow_view
from gitlab_ci_provider.variables.expand import expand_known
from gitlab_ci_provider.variables.predefined import pipeline_variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to look up for a `PipelineContext`.

    Attributes:
        tree: `tree_paths`, for `exists`.
        compared: refs for `compared`, for `changes:compare_to`.
        other_trees: `project@ref` for `other_trees`, for `exists:project`.
    """

    tree: bool
    compared: frozenset[str]
    other_trees: frozenset[str]


def wanted(pipeline: Pipeline, context: PipelineContext) -> Wanted:
    """List what the rules of a pipeline may ask for in one context.

    Variables of `workflow:rules` are left out: which of its rules matches may depend on the answer.
    """
    tree = False
    compared: set[str] = set()
    others: set[str] = set()
    for rule, view in _asking(pipeline, context):
        if rule.exists and rule.exists.project is None:
            tree = True
        elif rule.exists:
            others.add(other_tree(rule.exists, view))
        if rule.changes and rule.changes.compare_to is not None:
            compared.add(expand_known(rule.changes.compare_to, view.expanded))
    return Wanted(tree=tree, compared=frozenset(compared), other_trees=frozenset(others))


def _asking(pipeline: Pipeline, context: PipelineContext) -> Iterator[tuple[Rule, RuleView]]:
    """Give the rules that look at the repository, with what they may look at."""
    predefined = pipeline_variables(context)
    rules = [rule for rule in pipeline.workflow.rules or () if _asks(rule)]
    if rules:
        view = workflow_view(pipeline, context, predefined)
        yield from ((rule, view) for rule in rules)
    for job in pipeline.jobs.values():
        rules = [rule for rule in job.rules or () if _asks(rule)]
        if rules:
            view = job_view(job, pipeline, context, (), predefined)
            yield from ((rule, view) for rule in rules)


def _asks(rule: Rule) -> bool:
    return rule.exists is not None or bool(rule.changes and rule.changes.compare_to is not None)

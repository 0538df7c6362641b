"""Rules that can never decide anything, or create two pipelines for one push."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitlab_ci_provider.config.ci_config import CiConfig
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.linter.checks.conditions import impossible
from gitlab_ci_provider.linter.places import flat_rules, place, with_jobs
from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.diagnostic import Diagnostic, warning
from gitlab_ci_provider.model.project import Project, Ref
from gitlab_ci_provider.model.rules import Rule, When
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.rules.match import rule_matches
from gitlab_ci_provider.rules.view import RuleView
from gitlab_ci_provider.variables.expand import expand_in_rules
from gitlab_ci_provider.variables.precedence import layered, yaml_variables
from gitlab_ci_provider.variables.predefined import pipeline_variables

_HINT = "Add workflow:rules that choose between branch and merge request pipelines."
_PROJECT = Project(path="group/project", clone_url="", web_url="https://gitlab.example.com/g/p")
_REF = Ref(name="topic", sha="0" * 40)
_OPEN = Variable(name="CI_OPEN_MERGE_REQUESTS", value="group/project!1")
_PUSH = PipelineContext(project=_PROJECT, ref=_REF, variables=Variables([_OPEN]))
_MERGE_REQUEST = PipelineContext(
    project=_PROJECT, ref=_REF, source="merge_request_event", target_branch="main"
)


def check_rules(config: CiConfig) -> Iterator[Diagnostic]:
    """Check the rules of the workflow and of all jobs."""
    workflow = config.tree.get("workflow")
    if isinstance(workflow, Map):
        yield from _check_list(config.workflow.rules or (), "workflow:rules", workflow)
    for name, entry in config.jobs.items():
        yield from _check_list(entry.job.rules or (), f"jobs:{name}:rules", entry.raw)
    if not config.workflow.rules:
        yield from with_jobs(_duplicates(config))


def _check_list(rules: Sequence[Rule], label: str, owner: Map) -> Iterator[Diagnostic]:
    if not _was_read(rules, owner):
        return
    places = [mark.location() for _, mark in flat_rules(owner.get("rules"))]
    for position, (rule, at) in enumerate(zip(rules, places, strict=True), start=1):
        why = impossible(rule.condition) if rule.condition else None
        earlier = next(
            (n for n, before in enumerate(rules[: position - 1], 1) if covers(before, rule)), 0
        )
        if earlier and _always(rules[earlier - 1]):
            words = f"{label}: rules after rule {earlier} are never reached: it always matches"
            yield warning("rules-unreachable", words, at)
            break
        if why:
            words = f"{label}: rule {position} never matches: {why}"
            yield warning("rules-never-match", words, at)
        elif earlier and places[earlier - 1] != at:  # a shared rule that comes twice harms nobody
            words = f"{label}: rule {position} is never reached: rule {earlier} matches first"
            yield warning("rules-unreachable", words, at)
    if rules and all(rule.when is When.NEVER for rule in rules):
        yield warning("rules-only-never", f"{label}: every rule has `when: never`", places[0])


def covers(rule: Rule, other: Rule) -> bool:
    """Return whether a rule matches wherever another one would: it has no condition of its own."""
    return all(
        mine in (None, theirs)
        for mine, theirs in (
            (rule.condition, other.condition),
            (rule.changes, other.changes),
            (rule.exists, other.exists),
        )
    )


def _always(rule: Rule) -> bool:
    return rule.condition is None and rule.changes is None and rule.exists is None


def _duplicates(config: CiConfig) -> Iterator[tuple[str, Diagnostic]]:
    """Find jobs that a push to a branch with a merge request would run twice."""
    push, request = pipeline_variables(_PUSH), pipeline_variables(_MERGE_REQUEST)
    for name, entry in config.jobs.items():
        rules = entry.job.rules
        if not rules or not _was_read(rules, entry.raw):
            continue
        if _last_is_when_alone(rules):
            words = (
                "may allow multiple pipelines to run for a single action due to `rules:when` "
                "clause with no `workflow:rules`"
            )
        elif _runs(entry, config, _PUSH, push) and _runs(entry, config, _MERGE_REQUEST, request):
            words = (
                "in the branch pipeline and in the merge request pipeline of one push, and there "
                "are no `workflow:rules`"
            )
        else:
            continue
        yield name, warning("pipelines-duplicate", words, place(entry.raw, "rules"), _HINT)


def _was_read(rules: Sequence[Rule], owner: Map) -> bool:
    """Return whether all conditions could be read; a broken one would be missing here."""
    written = flat_rules(owner.get("rules"))
    return len(rules) == len(written) and all(
        isinstance(node, Map) and (node.get("if") is None) == (rule.condition is None)
        for rule, (node, _) in zip(rules, written, strict=True)
    )


def _last_is_when_alone(rules: Sequence[Rule]) -> bool:
    """Return the rules that GitLab warns of."""
    last = rules[-1]
    return last == Rule(when=last.when) and last.when not in (None, When.NEVER)


def _runs(
    entry: JobConfig, config: CiConfig, context: PipelineContext, predefined: Variables
) -> bool:
    written = yaml_variables(entry.job, config.variables)
    variables = layered(entry.job, context, predefined, written)
    view = RuleView(
        variables=variables.as_dict(),
        expand=lambda: expand_in_rules(variables),
    )
    first = next((rule for rule in entry.job.rules or () if rule_matches(rule, view)), None)
    return first is not None and (first.when or entry.job.when) is not When.NEVER

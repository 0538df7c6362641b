"""`only:` and `except:`: the conditions that came before `rules:`.

Source: GitLab's `Gitlab::Ci::Build::Policy`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.model.rules import Changes, Policy
from gitlab_ci_provider.rules.expression.regex import compile_pattern
from gitlab_ci_provider.rules.match import changes_match, condition_holds
from gitlab_ci_provider.rules.view import RuleView

_MAX_SHOWN = 60
DEFAULT_ONLY = Policy(refs=("branches", "tags"))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a job's `only` or `except` leaves it out."""

    reason: str


def refuses(job: Job, context: PipelineContext, view: RuleView, defaulted: bool) -> Refusal | None:
    """Return why `only` or `except` leave a job out; None when they do not.

    `defaulted` gives a job without either the implicit `only: [branches, tags]`.
    """
    only = job.only or (DEFAULT_ONLY if defaulted and job.only is None else None)
    missed = [key for key, holds in _conditions(only, context, view) if not holds] if only else []
    if missed and job.only is None:
        return Refusal("jobs without rules run for branches and tags only")
    if missed and job.only:
        return Refusal(f"`only:{missed[0]}` does not match{_shown(job.only, missed[0])}")
    if job.excluding:
        met = [key for key, holds in _conditions(job.excluding, context, view) if holds]
        if met:
            return Refusal(f"`except:{met[0]}` matches{_shown(job.excluding, met[0])}")
    return None


def _shown(policy: Policy, key: str) -> str:
    values = getattr(policy, key)
    text = values if isinstance(values, str) else ", ".join(values)
    return f" ({text if len(text) <= _MAX_SHOWN else f'{text[:_MAX_SHOWN]} ...'})"


def _conditions(
    policy: Policy, context: PipelineContext, view: RuleView
) -> Iterator[tuple[str, bool]]:
    """Yield each key that was written, and whether it holds."""
    if policy.refs is not None:
        yield "refs", any(_ref_matches(ref, context) for ref in policy.refs)
    if policy.variables is not None:
        yield "variables", any(condition_holds(text, view.variables) for text in policy.variables)
    if policy.changes is not None:
        yield "changes", changes_match(Changes(paths=policy.changes), view)
    if policy.kubernetes is not None:
        yield "kubernetes", False


def _ref_matches(ref: str, context: PipelineContext) -> bool:
    pattern, at, project = ref.partition("@")
    if at and project != context.project.path:
        return False
    return _is_kind(pattern, context) or _is_name(pattern, context)


def _is_kind(pattern: str, context: PipelineContext) -> bool:
    if pattern == "tags":
        return context.ref.kind is RefKind.TAG
    if pattern == "branches":
        return context.ref.kind is RefKind.BRANCH and context.source != "merge_request_event"
    source = context.source.removesuffix("_event")
    return pattern in (source, f"{source}es" if source.endswith("sh") else f"{source}s")


def _is_name(pattern: str, context: PipelineContext) -> bool:
    if context.source == "merge_request_event":
        return False
    regex = compile_pattern(pattern)
    if regex is None:
        return pattern == context.ref.name
    return regex.found_in(context.ref.name)

"""Which runner takes a job, by GitLab's rules; the order of the file decides among several.

Unlike GitLab, where a job without a runner waits, it fails at once: runners do not come and go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.storage.globs import compile_glob

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What decides about the runner of a job; variables in tags are expanded."""

    tags: Sequence[str]
    protected: bool
    project: str


def choose(runners: Sequence[RunnerProfile], wanted: Wanted) -> RunnerProfile:
    """Return the first runner that takes a job.

    Raises:
        SystemFailure: none does; in GitLab the job would be stuck.
    """
    for runner in runners:
        if not why_not(runner, wanted):
            return runner
    tags = ", ".join(f"'{tag}'" for tag in wanted.tags)
    words = f"the tags {tags}" if tags else "no tags"
    reasons = "; ".join(f"'{one.name}' {why_not(one, wanted)}" for one in runners[:_SHOWN])
    more = f"; and {len(runners) - _SHOWN} more" if len(runners) > _SHOWN else ""
    raise SystemFailure(
        f"the job is stuck: it has {words}, and no runner takes it: {reasons}{more}",
        reason=FailureReason.STUCK_PENDING_NO_MATCHING_RUNNERS,
    )


def why_not(runner: RunnerProfile, wanted: Wanted) -> str:
    """Say why a runner does not take a job; empty when it does."""
    if runner.projects and not any(
        compile_glob(pattern).matches(wanted.project) for pattern in runner.projects
    ):
        return f"does not take jobs of {wanted.project}"
    if runner.access_level == "ref_protected" and not wanted.protected:
        return "takes jobs of protected branches and tags only"
    if runner.any_tags:
        return ""
    if not wanted.tags:
        return "" if runner.takes_untagged else "does not take jobs without tags"
    missing = [f"'{tag}'" for tag in wanted.tags if tag not in runner.tags]
    return f"lacks {', '.join(missing)}" if missing else ""

"""Rules as written, and the decision that they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gitlab_ci_provider.model.diagnostic import Diagnostic, SourceLocation
from gitlab_ci_provider.model.needs import Need
from gitlab_ci_provider.model.variables import Variables


class When(StrEnum):
    """`when:`: on which outcome of earlier jobs a job runs."""

    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"
    MANUAL = "manual"
    DELAYED = "delayed"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowFailure:
    """`allow_failure:`; `exit_codes` limits it to a script that ended with one of them."""

    allowed: bool = False
    exit_codes: tuple[int, ...] = ()

    def allows(self, exit_code: int | None) -> bool:
        """Return whether a job that failed with this exit code leaves the pipeline passed."""
        if self.exit_codes:
            return exit_code in self.exit_codes
        return self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`changes:`: globs or a regular expression over the files of the push.

    Attributes:
        compare_to: a ref; the files are then those that differ from it.
    """

    paths: tuple[str, ...] = ()
    regexp: str | None = None
    compare_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """`exists:`: globs or a regular expression over the files at the commit.

    Attributes:
        project, ref: look there instead of at the pipeline's own commit.
    """

    paths: tuple[str, ...] = ()
    regexp: str | None = None
    project: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoCancel:
    """`workflow:auto_cancel`: what a newer pipeline or a failed job cancels."""

    on_new_commit: str | None = None
    on_job_failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of `rules:`. Keys are ANDed; None means that the key was not written.

    Attributes:
        condition: the expression of `if:`.
        start_in: seconds, for `when: delayed`.
        auto_cancel: in `workflow:rules` only.
        location: where it is written; rules that say the same are equal wherever they are.
    """

    condition: str | None = None
    changes: Changes | None = None
    exists: Exists | None = None
    when: When | None = None
    allow_failure: AllowFailure | None = None
    start_in: int | None = None
    variables: Variables = Variables()
    needs: tuple[Need, ...] | None = None
    interruptible: bool | None = None
    auto_cancel: AutoCancel | None = None
    location: SourceLocation | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`only:` or `except:`; keys are ANDed in `only` and ORed in `except`.

    Attributes:
        refs: names, `/patterns/` and words such as `branches`; None when not written.
        variables: expressions; one that is true is enough.
        kubernetes: `active` asks for a cluster.
    """

    refs: tuple[str, ...] | None = None
    variables: tuple[str, ...] | None = None
    changes: tuple[str, ...] | None = None
    kubernetes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDecision:
    """What the rules decided for one job of one pipeline.

    Attributes:
        present: False when the rules leave the job out of the pipeline.
        variables: what the matching rule adds to the job's variables.
        needs: what the matching rule puts in place of the job's needs; None keeps them.
        rule: position of the matching rule, from 0; None when no rule decided.
        reason: why, in words for a person.
        errors: why GitLab would refuse a pipeline with this job.
    """

    job: str
    present: bool
    when: When = When.ON_SUCCESS
    allow_failure: AllowFailure = AllowFailure()
    start_in: int | None = None
    variables: Variables = Variables()
    needs: tuple[Need, ...] | None = None
    rule: int | None = None
    reason: str = ""
    interruptible: bool | None = None
    errors: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineDecision:
    """What a pipeline becomes in one context.

    Attributes:
        created: False when `workflow:rules` or an empty list of jobs prevents the pipeline.
        reason: why, in words for a person.
        name: `workflow:name`, expanded.
        jobs: by name, absent ones included.
        variables: what the matching `workflow:rules` entry adds to the global ones.
        errors: its own and those of all jobs: GitLab would create no pipeline.
    """

    created: bool
    reason: str = ""
    name: str | None = None
    jobs: Mapping[str, JobDecision]
    variables: Variables = Variables()
    auto_cancel: AutoCancel | None = None
    errors: tuple[Diagnostic, ...] = ()

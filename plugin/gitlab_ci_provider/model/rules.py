"""Rules as written, and the decision that they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
        """Tell whether a job that failed with this exit code leaves the pipeline passed."""
        if self.exit_codes:
            return exit_code in self.exit_codes
        return self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of `rules:`. Keys are ANDed; None means that the key was not written.

    Attributes:
        condition: the expression of `if:`.
        start_in: seconds, for `when: delayed`.
    """

    condition: str | None = None
    when: When | None = None
    allow_failure: AllowFailure | None = None
    start_in: int | None = None
    variables: Variables = ()
    needs: tuple[Need, ...] | None = None
    interruptible: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDecision:
    """What the rules decided for one job of one pipeline.

    Attributes:
        present: False when the rules leave the job out of the pipeline.
        variables: what the matching rule adds to the job's variables.
        needs: what the matching rule puts in place of the job's needs; None keeps them.
        rule: position of the matching rule, from 0; None when no rule decided.
        reason: why, in words for a person.
    """

    job: str
    present: bool
    when: When = When.ON_SUCCESS
    allow_failure: AllowFailure = AllowFailure()
    start_in: int | None = None
    variables: Variables = ()
    needs: tuple[Need, ...] | None = None
    rule: int | None = None
    reason: str = ""

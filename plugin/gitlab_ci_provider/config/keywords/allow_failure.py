"""`allow_failure:`: a boolean, or the exit codes that are allowed."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, boolean, integers
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.model.rules import AllowFailure


def read_allow_failure(job: Field) -> AllowFailure | None:
    """Read `allow_failure:` of a job with a script."""
    field = job.entry("allow_failure")
    if field is None:
        return None
    if isinstance(field.value, bool):
        return AllowFailure(allowed=field.value)
    if not isinstance(field.value, Map):
        job.refuse_as("allow failure should be a hash or a boolean value")
        return None
    field.only(("exit_codes",))
    return AllowFailure(exit_codes=field.get("exit_codes", integers) or ())


def read_bridge_allow_failure(job: Field) -> AllowFailure | None:
    """Read `allow_failure:` of a trigger job, which has no exit codes."""
    allowed = job.get("allow_failure", boolean)
    return None if allowed is None else AllowFailure(allowed=allowed)

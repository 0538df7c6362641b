"""`allow_failure:`: a boolean, or the exit codes that are allowed."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, integers
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.model.rules import AllowFailure


def read_allow_failure(field: Field) -> AllowFailure | None:
    """Read `allow_failure:`."""
    if isinstance(field.value, bool):
        return AllowFailure(allowed=field.value)
    if not isinstance(field.value, Map):
        field.refuse("should be a hash or a boolean value")
        return None
    field.only(("exit_codes",))
    if field.value.get("exit_codes") is None:
        field.refuse("exit codes should be an array of integers or an integer")
        return None
    codes = field.get("exit_codes", integers)
    return AllowFailure(exit_codes=codes) if codes else None

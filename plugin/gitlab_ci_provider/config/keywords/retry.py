"""`retry:`: a number, or a mapping of number, reasons and exit codes."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, integers, is_integer, strings_or_string
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.job import Retry

REASONS = frozenset({"always", *FailureReason} - {FailureReason.IMAGE_PULL_FAILURE})
"""Every reason for which GitLab lets a job fail; most of them only happen there."""

MAX_RETRIES = 2


def read_retry(field: Field) -> Retry | None:
    """Read `retry:`."""
    if is_integer(field.value):
        return Retry(max=_max(field) or 0)
    if not isinstance(field.value, Map):
        field.refuse("has to be either an integer or a hash")
        return None
    field.only(("max", "when", "exit_codes"))
    return Retry(
        max=field.get("max", _max) or 0,
        when=field.get("when", _reasons),
        exit_codes=field.get("exit_codes", integers),
    )


def _max(field: Field) -> int | None:
    value = field.value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or not is_integer(value):
        field.refuse("must be an integer")
    elif value > MAX_RETRIES:
        field.refuse(f"must be less than or equal to {MAX_RETRIES}")
    elif value < 0:
        field.refuse("must be greater than or equal to 0")
    else:
        return value
    return None


def _reasons(field: Field) -> tuple[str, ...] | None:
    reasons = strings_or_string(field)
    unknown = [reason for reason in reasons or () if reason not in REASONS]
    if unknown and isinstance(field.value, str):
        field.refuse_words("is not included in the list", unknown, REASONS)
    elif unknown:
        field.refuse_words(f"contains unknown values: {', '.join(unknown)}", unknown, REASONS)
    return reasons

"""`inputs:` of a job, as written; `config/inputs/job.py` checks them."""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.config.raw import Map, to_data


def read_inputs(field: Field) -> Mapping[str, Mapping[str, object]] | None:
    """Read `inputs:` of a job."""
    if not isinstance(field.value, Map):
        field.refuse("should be a hash")
        return None
    read = {name: to_data(value) for name, value in field.value.items()}
    return {name: value for name, value in read.items() if isinstance(value, dict)}

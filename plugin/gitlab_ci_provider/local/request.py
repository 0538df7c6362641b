"""What `gitlab-dags run` was asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One pipeline to run.

    Attributes:
        location: path or URL of the repository.
        ref: None for the branch that is checked out, or the URL's default branch.
        jobs: only these, with the jobs that they stand on; empty for all.
    """

    location: str
    ref: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()

    def conf(self, ref: str) -> dict[str, object]:
        """Build the run's form, see `operators/run_form.py`."""
        return {
            "ref": ref,
            "source": "push",
            "variables": dict(self.variables),
            "jobs": list(self.jobs),
        }

"""What a downstream pipeline knows of the job that created it; part of the run's conf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.model.variables import Variables

UPSTREAM = "upstream"
"""Key of the run's conf."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """A pipeline above another.

    Attributes:
        child: it is itself a child pipeline.
    """

    project: str
    ref: str
    source: str
    pipeline: int
    dag: str
    run: str
    child: bool = False
    project_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What a bridge hands to the pipeline that it creates.

    Attributes:
        job, task: of the bridge.
        job_id: its CI_JOB_ID.
        ancestors: all pipelines above, the first one first, the bridge's own last.
        digest: of a child's compiled pipeline; empty for a pipeline of another project.
        ref: of another project; empty for its default branch.
        variables: forwarded; they are pipeline variables of the new pipeline.
        inputs: values for `spec:inputs` of another project.
    """

    job: str
    task: str
    job_id: str = ""
    ancestors: tuple[Ancestor, ...]
    digest: str = ""
    ref: str = ""
    variables: Variables = Variables()
    inputs: Mapping[str, object] = field(default_factory=dict)

    @property
    def child(self) -> bool:
        """Tell a child pipeline from one of another project."""
        return bool(self.digest)

    @property
    def parent(self) -> Ancestor:
        """The pipeline of the bridge."""
        return self.ancestors[-1]

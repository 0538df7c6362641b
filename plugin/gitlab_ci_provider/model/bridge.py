"""`trigger:`: a job that creates another pipeline, a bridge in GitLab, and what it hands on.

An `Upstream` is part of the conf of the run that it creates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.model.variables import Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """`trigger:`.

    Attributes:
        project: of the other pipeline; None for a child pipeline.
        mirrored_pipeline: for `needs:pipeline` without `trigger`: whose status the job takes over.
        includes: what the child pipeline is made of, each as written in `trigger:include`.
        strategy: `depend`, `mirror`, or None when the job does not wait.
        forward_yaml_variables: hand on the job's variables from the file.
        forward_pipeline_variables: hand on the pipeline variables.
    """

    project: str | None = None
    branch: str | None = None
    includes: tuple[Mapping[str, object], ...] = ()
    strategy: str | None = None
    inputs: Mapping[str, object] = field(default_factory=dict)
    forward_yaml_variables: bool = True
    forward_pipeline_variables: bool = False
    mirrored_pipeline: str | None = None


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
        sha: the newest commit of that ref when the bridge looked.
        trigger: names this occasion of the bridge; no other run has it.
        variables: forwarded; they are pipeline variables of the new pipeline.
        inputs: values for `spec:inputs` of another project.
    """

    job: str
    task: str
    job_id: str = ""
    ancestors: tuple[Ancestor, ...]
    digest: str = ""
    ref: str = ""
    sha: str = ""
    trigger: str = ""
    variables: Variables = Variables()
    inputs: Mapping[str, object] = field(default_factory=dict)

    @property
    def child(self) -> bool:
        """Return whether it is a child pipeline, not one of another project."""
        return bool(self.digest)

    @property
    def parent(self) -> Ancestor:
        """The pipeline of the bridge."""
        return self.ancestors[-1]

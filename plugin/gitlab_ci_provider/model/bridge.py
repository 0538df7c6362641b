"""`trigger:`: a job that creates another pipeline; GitLab calls it a bridge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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

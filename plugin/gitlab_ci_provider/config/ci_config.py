"""`CiConfig`: the typed, fully composed document, before jobs are multiplied and connected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitlab_ci_provider.config.includes.locations import Location
from gitlab_ci_provider.config.keywords.job import JobConfig
from gitlab_ci_provider.config.raw import Map
from gitlab_ci_provider.model.input_spec import InputSpec
from gitlab_ci_provider.model.pipeline import Included, Workflow
from gitlab_ci_provider.model.variables import Variables


@dataclass(frozen=True, slots=True)
class CiConfig:
    """What a file and its includes say.

    Attributes:
        tree: the composed configuration, hidden jobs included; `--merged` prints it.
        jobs: visible jobs by name, in the order of the file.
        files: paths that were read, in order.
        inputs: of the main file.
        includes: what they were read from, the main file not among them.
        lock: which state of files from outside the repository was read.
        emptied: whether rules have left out all that some `include` names.
    """

    tree: Map
    jobs: Mapping[str, JobConfig]
    stages: tuple[str, ...]
    variables: Variables = Variables()
    workflow: Workflow = field(default_factory=Workflow)
    files: tuple[str, ...] = ()
    includes: tuple[Location, ...] = ()
    inputs: Mapping[str, InputSpec] = field(default_factory=dict)
    lock: tuple[Included, ...] = ()
    emptied: bool = False

"""A compiled pipeline: every job that could run, in stages, with its edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.rules import AutoCancel, Rule
from gitlab_ci_provider.model.variables import Variables

InputType = Literal["array", "boolean", "number", "string"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineInput:
    """One of `spec:inputs` of the main file.

    Attributes:
        required: whether it has no default.
        default: as plain data.
        options: allowed values; empty means any.
    """

    name: str
    type: InputType = "string"
    required: bool = True
    default: object = None
    options: tuple[object, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """`workflow:`; `rules` None means that every context makes a pipeline."""

    name: str | None = None
    rules: tuple[Rule, ...] | None = None
    auto_cancel: AutoCancel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSlot:
    """Where Airflow runs the task of a job; what is empty is left to Airflow."""

    pool: str = ""
    queue: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """A file from outside the repository, as it was read.

    Attributes:
        file: what the configuration calls it, with its project or address.
        asked: the ref or version that the configuration asks for; empty for the default branch.
        version: the released version that this was.
        sha: the commit; `sha256:...` of the content for what has no commit.
    """

    file: str
    sha: str
    asked: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What a `.gitlab-ci.yml` and its includes mean, for any ref and source.

    Attributes:
        variables: the global ones: defaults of the run form.
        variable_locations: where each of them is written.
        stages: names in order, `.pre` and `.post` only when a job uses them.
        jobs: by name, in the order of the file.
        edges: by job, the jobs that must end before it can start: its needs, or all jobs of the
            earlier stages.
        inputs: of the main file, for the run form.
        slots: by job, what its runner says of its task in Airflow, if anything.
        included_files: paths of the files that the text came from, in order of reading.
        lock: of these files, the ones from outside the repository, at the commit that was read.
        includes_left_out: whether rules have left out all that some `include` names: in another
            context there may be more files.
    """

    stages: tuple[str, ...]
    jobs: Mapping[str, Job]
    edges: Mapping[str, tuple[str, ...]]
    variables: Variables = Variables()
    variable_locations: Mapping[str, SourceLocation] = field(default_factory=dict)
    workflow: Workflow = field(default_factory=Workflow)
    inputs: tuple[PipelineInput, ...] = ()
    slots: Mapping[str, TaskSlot] = field(default_factory=dict)
    included_files: tuple[str, ...] = ()
    lock: tuple[Included, ...] = ()
    includes_left_out: bool = False
    schema_version: int = 1

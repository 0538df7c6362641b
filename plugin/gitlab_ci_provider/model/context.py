"""What a pipeline is created for: everything that a rule may look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gitlab_ci_provider.model.bridge import Upstream
from gitlab_ci_provider.model.project import CONFIG_PATH, Commit, Project, Ref
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variables


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A merge request, as far as its pipeline sees it.

    Attributes:
        iid: number in the project, `!5`; 0 when it is not known.
        diff_base_sha: where source and target parted.
        title, description: of the merge request.
        labels: names.
        draft: whether it is one.
    """

    iid: int = 0
    source_branch: str
    target_branch: str
    diff_base_sha: str = ""
    title: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    draft: bool = False

    @property
    def ref_path(self) -> str:
        """The server's name of the merge request's head; its branch when the number is unknown."""
        if not self.iid:
            return f"refs/heads/{self.source_branch}"
        return f"refs/merge-requests/{self.iid}/head"


PipelineSource = Literal[
    "push",
    "web",
    "api",
    "trigger",
    "schedule",
    "pipeline",
    "parent_pipeline",
    "merge_request_event",
    "external",
    "external_pull_request_event",
    "chat",
    "webide",
    "ondemand_dast_scan",
    "ondemand_dast_validation",
    "security_orchestration_policy",
]
"""The values of CI_PIPELINE_SOURCE that can happen here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineContext:
    """What one pipeline is created for.

    Attributes:
        variables: pipeline variables (run form, trigger, command line): they win over the file's.
        changed_paths: files of the push; None when there is no push diff (then `changes` is true).
        tree_paths: files at the commit, for `exists`; None when they were not listed.
        target_branch: of the merge request, when the pipeline is for one.
        merge_request: what more is known of it.
        schedule: description of the schedule that started the pipeline.
        inputs: values for the configuration's `spec:inputs`, as plain data.
        commit: what the commit says about itself.
        user: name of the person who started it; empty when nobody did or it is not known.
        configured: variables of the instance, the groups and the project.
        compared: files that differ from a ref, by the ref's name after expansion, for
            `changes:compare_to`; None means that there is no such ref. For a ref that is not
            listed, `changed_paths` is used.
        other_trees: files of other projects by `project@ref`, for `exists:project`; an empty ref
            is the default branch, None means that there is no such project or ref.
        upstream: the job that created the pipeline, when one did.
        config_path: the configuration file of the project.
        skip_push: the push had the option `ci.skip`.
    """

    project: Project
    ref: Ref
    source: PipelineSource = "push"
    variables: Variables = Variables()
    changed_paths: Collection[str] | None = None
    tree_paths: Collection[str] | None = None
    target_branch: str | None = None
    merge_request: MergeRequest | None = None
    schedule: str = ""
    inputs: Mapping[str, object] = field(default_factory=dict)
    commit: Commit = Commit()
    user: str = ""
    configured: ConfiguredVariables = ConfiguredVariables()
    compared: Mapping[str, Collection[str] | None] = field(default_factory=dict)
    other_trees: Mapping[str, Collection[str] | None] = field(default_factory=dict)
    upstream: Upstream | None = None
    config_path: str = CONFIG_PATH
    skip_push: bool = False

"""What a list of pipelines shows of each: small, where the record of a pipeline can be 300 KB."""

from __future__ import annotations

from dataclasses import dataclass

from gitlab_ci_provider.model.project import RefKind
from gitlab_ci_provider.model.run import PipelineRun


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One pipeline, in the fields of its `PipelineRun`.

    Attributes:
        ref: name of the ref, or of the merge request's source branch.
        title: first line of the commit's message.
        author: name of the commit's author.
        merge_request: its iid; 0 without.
    """

    id: int
    iid: int
    name: str = ""
    project: str = ""
    ref: str = ""
    tag: bool = False
    sha: str = ""
    title: str = ""
    author: str = ""
    source: str = ""
    user: str = ""
    merge_request: int = 0


def about(record: PipelineRun) -> About:
    """Take from a record what lists show."""
    return About(
        id=record.id,
        iid=record.iid,
        name=record.name or "",
        project=record.project.path,
        ref=record.ref.name,
        tag=record.ref.kind is RefKind.TAG,
        sha=record.ref.sha,
        title=record.commit.message.partition("\n")[0],
        author=record.commit.author.partition(" <")[0],
        source=record.source,
        user=record.user,
        merge_request=record.merge_request.iid if record.merge_request else 0,
    )

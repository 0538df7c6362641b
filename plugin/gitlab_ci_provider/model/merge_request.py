"""The merge request that a pipeline is for."""

from __future__ import annotations

from dataclasses import dataclass


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

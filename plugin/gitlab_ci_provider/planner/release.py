"""`release:` with variables expanded, for the record: people read it, so secrets are masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.release import Release, ReleaseLink
from gitlab_ci_provider.model.variables import Variables
from gitlab_ci_provider.variables.expand import expand
from gitlab_ci_provider.variables.masking import Masker

_LONGEST = 20_000
"""Characters of one text."""


def plan_release(job: Job, variables: Variables, masker: Masker) -> Release | None:
    """Expand a job's release; `config/keywords/release.py` has checked its form.

    As in GitLab's lib/gitlab/ci/build/releaser.rb, an empty tag is CI_COMMIT_TAG and no ref the
    pipeline's commit.
    """
    written: Any = job.as_written.get("release")
    if not isinstance(written, Mapping):
        return None

    def text(value: object) -> str:
        return masker.text(expand(str(value), variables))[:_LONGEST] if value else ""

    milestones = written.get("milestones") or ()
    return Release(
        tag_name=text(written.get("tag_name")) or text("$CI_COMMIT_TAG"),
        description=text(written.get("description")),
        tag_message=text(written.get("tag_message")),
        name=text(written.get("name")),
        ref=text(written.get("ref")) or text("$CI_COMMIT_SHA"),
        milestones=tuple(map(text, [milestones] if isinstance(milestones, str) else milestones)),
        released_at=text(written.get("released_at")),
        links=_links(written.get("assets"), text),
    )


def _links(assets: Any, text: Callable[[object], str]) -> tuple[ReleaseLink, ...]:
    listed = assets.get("links") if isinstance(assets, Mapping) else None
    return tuple(
        ReleaseLink(
            name=text(link.get("name")),
            url=text(link.get("url")),
            filepath=text(link.get("filepath") or link.get("direct_asset_path")),
            link_type=text(link.get("link_type")) or "other",
        )
        for link in listed or ()
    )

"""`[skip ci]`: whether a push is to have no pipeline.

Source: GitLab's `Gitlab::Ci::Pipeline::Chain::Skip`. Pipelines that somebody asks for (web, API,
trigger, schedule, another pipeline) do not look at the message. Unlike GitLab, a pipeline that is
skipped uses up no number, and a file with errors is told first.
"""

from __future__ import annotations

import re

from gitlab_ci_provider.model.context import PipelineContext

_WORDS = re.compile(r"\[(?:ci[ _-]skip|skip[ _-]ci)\]", re.IGNORECASE)
SKIPPING = frozenset(
    {"push", "merge_request_event", "external", "external_pull_request_event", "webide", "chat"}
)
"""Sources whose pipelines nobody asks for by hand."""

_HINT = "use another source (`--source web`) to run it anyway"


def skip_reason(context: PipelineContext) -> str | None:
    """Say why there is to be no pipeline; None when nothing asks for that."""
    if context.source not in SKIPPING:
        return None
    found = _WORDS.search(context.commit.message)
    if found:
        return f"the commit message contains {found[0]}; {_HINT}"
    if context.skip_push and context.source == "push":
        return f"the push option ci.skip was given; {_HINT}"
    return None

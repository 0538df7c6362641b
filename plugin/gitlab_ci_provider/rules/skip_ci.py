"""`[skip ci]`: whether a push gets a pipeline.

Source: GitLab's `Gitlab::Ci::Pipeline::Chain::Skip`. The message does not matter for pipelines that
somebody asks for (web, API, trigger, schedule, another pipeline). Unlike GitLab, a skipped pipeline
uses no number, and errors in the file are reported first.
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
    """Return why there is no pipeline; None when nothing asks for that."""
    if context.source not in SKIPPING:
        return None
    found = _WORDS.search(context.commit.message)
    if found:
        return f"the commit message contains {found[0]}; {_HINT}"
    if context.skip_push and context.source == "push":
        return f"the push option ci.skip was given; {_HINT}"
    return None

"""The note of a run that is about to begin, or has begun: there is no number or result yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from gitlab_ci_provider.model.bridge import UPSTREAM
from gitlab_ci_provider.model.context import PipelineSource
from gitlab_ci_provider.model.quoted import quoted

OUR_NOTE = "Pipeline "
"""How our notes of runs begin; others are of people."""

_LONGEST = 1000


def begun_note(conf: Any, user: str) -> str:
    """Word the note from the conf of the run: what was asked for, and by whom.

    Args:
        conf: what anybody may have written.
        user: who started the run; empty when a task or nobody known did.
    """
    asked = _mapping(conf)
    upstream = _mapping(asked.get(UPSTREAM))
    ref, sha = (quoted(str(asked.get(key) or upstream.get(key) or "")) for key in ("ref", "sha"))
    source = str(asked.get("source") or "")
    commit = f" at {sha[:8]}" if sha else ""
    known = (
        source if source in get_args(PipelineSource) else "",
        _created_by(upstream),
        f"by {user}" if user else "",
    )
    how = ", ".join(word for word in known if word)
    said = f"{OUR_NOTE}for {ref or 'the default branch'}{commit}"
    return f"{said} ({how})"[:_LONGEST] if how else said


def _created_by(upstream: Mapping[str, Any]) -> str:
    job, above = upstream.get("job"), upstream.get("ancestors")
    parent = _mapping(above[-1]) if isinstance(above, list) and above else {}
    return f"created by '{quoted(str(job))}' of {parent.get('pipeline')}" if job and parent else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

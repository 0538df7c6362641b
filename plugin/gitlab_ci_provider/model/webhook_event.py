"""What GitLab reports: a push, a tag, a merge request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """One event, as far as it matters here.

    Attributes:
        id: GitLab's, the same whenever the event is sent again.
        what: in words, for logs: `push to main`.
        project: path of the project.
        clone_url: of its repository, at the address of the connection.
        ref: full name of what was pushed; empty when the default branch is synced and nothing runs.
        conf: of the run; empty when the event starts none.
        why_no_run: why it starts none, in words.
        label: begins the ID of the run.
        user: who did it.
        received_at: seconds since 1970.
        conn_id: the connection whose webhook it is; empty for none.
    """

    id: str
    what: str
    project: str
    clone_url: str
    ref: str = ""
    conf: Mapping[str, object] = field(default_factory=dict)
    why_no_run: str = ""
    label: str = ""
    user: str = ""
    received_at: float = 0
    conn_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEnd:
    """What came of an event.

    Attributes:
        words: what happened.
        failed: whether a pipeline is missing that should be there.
        dag: in which a run was started; empty if none was.
        run: its ID.
    """

    words: str
    failed: bool = False
    dag: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedEvent:
    """An event and what came of it."""

    event: WebhookEvent
    end: EventEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Which process handles the events of a project; `until` is in seconds since 1970."""

    owner: str
    until: float

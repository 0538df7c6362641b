"""What a helper container tells the worker when it ends: its Kubernetes termination message.

The helper writes it and `pods/outcome.py` reads it, both with this module. It is JSON, and short:
Kubernetes keeps 4096 bytes of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact

MAX_BYTES = 4096
_MAX_MESSAGE = 600
"""Characters; JSON takes up to six bytes for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationMessage:
    """How a helper container ended.

    Attributes:
        phase: that failed; empty when none did.
        reason: why it failed; None when it did not.
        message: for a person, secrets masked.
        lines: how many lines this container has written into its log, see `model/log_frames.py`;
            None when it does not say.
        artifacts, reports: what the job has left in the object store.
        left_out: how many artifacts and reports are stored, too, but had no room here.
    """

    phase: str = ""
    reason: FailureReason | None = None
    message: str = ""
    lines: int | None = None
    artifacts: tuple[JobArtifact, ...] = ()
    reports: tuple[ArtifactReport, ...] = ()
    left_out: int = 0


def encode_message(told: TerminationMessage) -> bytes:
    """Write a message in at most `MAX_BYTES`; reports are left out first, then artifacts."""
    told = replace(told, message=_cut(told.message))
    data = _json(told)
    while len(data) > MAX_BYTES and (told.reports or told.artifacts):
        told = _with_one_less(told)
        data = _json(told)
    return data


def decode_message(text: str) -> TerminationMessage | None:
    """Read a message; None when a container has ended without one, or with something else."""
    import msgspec  # only the worker reads, and the helper's start is waited for

    try:
        return msgspec.json.decode(text, type=TerminationMessage)
    except msgspec.MsgspecError:
        return None


def _with_one_less(told: TerminationMessage) -> TerminationMessage:
    if told.reports:
        return replace(told, reports=told.reports[:-1], left_out=told.left_out + 1)
    return replace(told, artifacts=told.artifacts[:-1], left_out=told.left_out + 1)


def _json(told: TerminationMessage) -> bytes:
    return json.dumps(asdict(told), separators=(",", ":")).encode()


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE - 4]} ..."

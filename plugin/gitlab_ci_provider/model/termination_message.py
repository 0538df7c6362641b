"""What a helper container tells the worker when it ends: its Kubernetes termination message.

The helper writes it and `pods/outcome.py` reads it, both with this module. It is JSON, and short:
Kubernetes keeps 4096 bytes of it, and 12 KiB divided by the number of the pod's containers, which
the helper does not know: services and what a webhook adds count, too. So it may be cut anywhere,
and what a job has left comes before what is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from gitlab_ci_provider.exceptions import FailureReason
from gitlab_ci_provider.model.job_artifacts import ArtifactReport, JobArtifact

MAX_BYTES = 4096
_MAX_MESSAGE = 600
"""Characters; JSON takes up to six bytes for one."""

_LONGEST_ESCAPE = 12
"""Characters that JSON takes for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationMessage:
    """How a helper container ended.

    Attributes:
        phase: that failed; empty when none did.
        reason: why it failed; None when it did not.
        lines: how many lines this container has written into its log, see `model/log_frames.py`;
            None when it does not say.
        left_out: how many artifacts and reports are stored, too, but had no room here.
        named: how many are named here, while it is on its way.
        artifacts, reports: what the job has left in the object store.
        message: for a person, secrets masked.
    """

    phase: str = ""
    reason: FailureReason | None = None
    lines: int | None = None
    left_out: int = 0
    named: int = 0
    artifacts: tuple[JobArtifact, ...] = ()
    reports: tuple[ArtifactReport, ...] = ()
    message: str = ""


def encode_message(told: TerminationMessage) -> bytes:
    """Write a message in at most `MAX_BYTES`: names of tests are left out first, then reports."""
    told = replace(told, message=_cut(told.message))
    data = _json(told)
    if len(data) > MAX_BYTES:
        told = replace(told, reports=tuple(replace(one, failed=()) for one in told.reports))
        data = _json(told)
    while len(data) > MAX_BYTES and (told.reports or told.artifacts):
        told = _with_one_less(told)
        data = _json(told)
    return data


def decode_message(text: str) -> TerminationMessage | None:
    """Read as much of a message as there is; None when a container has left none, or other words.

    What has been cut off counts as left out.
    """
    if not text.startswith("{"):
        return None
    # only the worker reads, and the helper's start is waited for
    import msgspec

    from gitlab_ci_provider.model.serialization import decode

    for whole in _completed(text):
        try:
            told = decode(whole, TerminationMessage)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            continue
        lost = max(0, told.named - len(told.artifacts) - len(told.reports))
        return replace(told, left_out=told.left_out + lost, named=0)
    return None


def _completed(text: str) -> Iterator[str]:
    """Give what a text may have been, the longest first: cut nowhere, in its words, in a list."""
    yield text
    for less in range(_LONGEST_ESCAPE):
        yield f'{text[: len(text) - less]}"}}'
    end = len(text)
    while (end := text.rfind("}", 0, end)) > 0:
        yield f"{text[: end + 1]}]}}"
    yield text.partition(',"artifacts":')[0] + "}"
    yield text.rpartition(",")[0] + "}"


def _with_one_less(told: TerminationMessage) -> TerminationMessage:
    if told.reports:
        return replace(told, reports=told.reports[:-1], left_out=told.left_out + 1)
    return replace(told, artifacts=told.artifacts[:-1], left_out=told.left_out + 1)


def _json(told: TerminationMessage) -> bytes:
    told = replace(told, named=len(told.artifacts) + len(told.reports))
    return json.dumps(asdict(told), separators=(",", ":")).encode()


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE - 4]} ..."

"""The helper's last words: a small JSON that the operator reads from the pod's status.

Kubernetes keeps 4096 bytes of a container's termination message.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gitlab_ci_provider.model.run import JobArtifact, JobReport

_MOST_BYTES = 4096
_MOST_MESSAGE = 600
"""Characters; one can take six bytes in JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How this container ended.

    Attributes:
        phase: that failed; empty when none did.
        reason: GitLab's failure reason.
        message: for a person, secrets masked.
        lines: how many lines this container has written into its log, see `model/log_frames.py`.
    """

    status: Literal["success", "failed"] = "success"
    phase: str = ""
    reason: str = ""
    message: str = ""
    lines: int = 0
    artifacts: Sequence[JobArtifact] = ()
    reports: Sequence[JobReport] = ()


def encode_report(report: Report) -> bytes:
    """Write a report as JSON that fits; what is cut says so."""
    raw = {**asdict(report), "message": _cut(report.message, _MOST_MESSAGE)}
    for name in ("reports", "artifacts"):
        listed = raw[name] = list(raw[name])
        while len(_json(raw)) > _MOST_BYTES and listed:
            listed.pop()
            raw[f"{name}_left_out"] = raw.get(f"{name}_left_out", 0) + 1
    return _json(raw)


def write_report(report: Report, path: Path) -> None:
    """Leave the report where Kubernetes reads it; not being able to must not fail the job."""
    with suppress(OSError):
        path.write_bytes(encode_report(report))


def _json(raw: object) -> bytes:
    return json.dumps(raw, separators=(",", ":")).encode()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 4]} ..."

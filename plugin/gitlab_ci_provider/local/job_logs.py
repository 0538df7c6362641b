"""The logs of jobs as they were written: the script's own output out of the whole."""

from __future__ import annotations

import re
from pathlib import Path

_START = re.compile(rb"section_start:\d+:(?:step_script|after_script)[^\r\n]*\r\x1b\[0K[^\n]*\n")
_END = re.compile(
    rb"section_end:\d+:(?:step_script|after_script)\r\x1b\[0K"
    rb"|section_start:\d+:(?:after_script|archive_cache|upload_artifacts|cleanup_file_variables)"
)
"""A script that was killed has no end of its own: the next section ends it."""

_CLEAR = b"\x1b[0K"


def script_output(log: Path) -> bytes:
    """Cut out what the job's scripts wrote; everything when no script was started."""
    whole = log.read_bytes()
    parts, at = [], 0
    while start := _START.search(whole, at):
        end = _END.search(whole, start.end())
        at = end.start() if end else len(whole)
        parts.append(whole[start.end() : at].removesuffix(_CLEAR))
    return b"".join(parts) if parts else whole


def save_logs(jobs: dict[str, dict[str, object]], folder: Path) -> None:
    """Write one file a job that ran, named after the job, and point the report at it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, job in jobs.items():
        if job["log"]:
            path = folder / f"{_file_name(name)}.log"
            path.write_bytes(script_output(Path(str(job["log"]))))
            job["log"] = str(path)


def _file_name(job: str) -> str:
    """Keep the job's name, except what a file name cannot hold."""
    return job.replace("/", "_").replace("\0", "_").lstrip(".") or "job"

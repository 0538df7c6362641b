"""The logs of jobs as they were written: the script's own output out of the whole."""

from __future__ import annotations

import re
from pathlib import Path

_SCRIPT = re.compile(
    rb"(?:\x1b\[0K)?section_start:\d+:(?:step_script|after_script)[^\r\n]*\r\x1b\[0K[^\n]*\n"
    rb"(?P<output>.*?)"
    rb"(?:\x1b\[0K)?section_end:\d+:(?:step_script|after_script)\r\x1b\[0K",
    re.DOTALL,
)


def script_output(log: Path) -> bytes:
    """Cut out what the job's scripts wrote; everything when no script was started."""
    whole = log.read_bytes()
    parts = [found["output"] for found in _SCRIPT.finditer(whole)]
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

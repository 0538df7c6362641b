"""Unexpected errors: one sentence for the user, the details in a file for a bug report."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from gitlab_ci_provider import __version__

EXIT_CODE = 70
"""`EX_SOFTWARE` of sysexits.h."""


def unexpected(command: str, problem: BaseException) -> str:
    """Write the details to a file and return the sentence."""
    first = str(problem).strip().partition("\n")[0]
    said = f"{type(problem).__name__}{': ' if first else ''}{first}"
    file = _keep(command, problem)
    where = f"; please report it and attach {file}" if file else ""
    return f"internal error: {said}{where}"


def _keep(command: str, problem: BaseException) -> Path | None:
    """Write the file; arguments may hold secrets and stay out of it."""
    from gitlab_ci_provider.local.home import default_home

    now = datetime.now(UTC)
    text = "\n".join(
        (
            f"gitlab-dags {__version__} {command}, {now.isoformat(timespec='seconds')}",
            f"Python {sys.version.split()[0]}, {platform.platform()}",
            "",
            "".join(traceback.format_exception(problem)),
        )
    )
    name = f"gitlab-dags-error-{now.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    for folder in (default_home().logs, Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            continue
        return folder / name
    return None

"""Phase `prepare_script`: folders, the FIFOs, file variables. Fatal.

Files are written before anything else runs, readable and writable for any user: the job's image may
run as another one than the helper (the runner works with umask 0000 for the same reason).
"""

from __future__ import annotations

import os
from pathlib import Path

from gitlab_ci_provider.exceptions import ConfigurationFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.handshake import make_fifo
from gitlab_ci_provider.model.workspace import EVENTS_NAME, OUTPUT_NAME, job_env_path


def prepare_script(context: PhaseContext) -> None:
    """Make what the build container needs before it starts.

    Raises:
        ConfigurationFailure: a file variable's name is not that of a file.
        OSError: a folder of the pod cannot be written.
    """
    context.output.line(f"Running on {os.uname().nodename}...")
    for warning in context.plan.warnings:
        context.output.warning(warning)
    context.project_dir.mkdir(parents=True, exist_ok=True)
    context.temporary_dir.mkdir(exist_ok=True)
    for name in (EVENTS_NAME, OUTPUT_NAME):
        make_fifo(context.control / name)
    with Path(job_env_path(context.plan.project_dir)).open("a", encoding="utf-8") as file:
        file.write(context.job_env)
    write_file_variables(context)


def write_file_variables(context: PhaseContext) -> None:
    """Write the variables that are files.

    Raises:
        ConfigurationFailure: the name of one is not that of a file.
    """
    for variable in context.plan.variables:
        if variable.file:
            _write(context, variable.name, variable.value)


def _write(context: PhaseContext, name: str, value: str) -> None:
    if "/" in name or name in {"", ".", ".."}:
        message = f"variable {name!r} is of type file, but its name is not a valid file name"
        raise ConfigurationFailure(message)
    (context.temporary_dir / name).write_text(value, encoding="utf-8", newline="")

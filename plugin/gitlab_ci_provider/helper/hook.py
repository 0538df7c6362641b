"""The init container `hook`: `hooks:pre_get_sources_script`, before anything is fetched.

It sees what the job's scripts see, the variables of the job, and nothing else: it has its own
container, without the plan, the working copy and the control folder of the others. What it may
tell the fetch lies in a folder of its own, read by `helper/hook_results.py` as an attacker's work.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gitlab_ci_provider.exceptions import FailureReason, JobFailure, SystemFailure
from gitlab_ci_provider.helper.attempts import STAGE, attempt
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.job_output import JobOutput
from gitlab_ci_provider.helper.phases.prepare_script import write_file_variables
from gitlab_ci_provider.helper.run import Phase, run_phases
from gitlab_ci_provider.model.plan import PreGetSources
from gitlab_ci_provider.planner.script import SHELLS
from gitlab_ci_provider.variables.masking import log_masker


def hook(context: PhaseContext) -> None:
    """Run the script of the plan.

    Raises:
        PhaseFailure: it has failed, and so has the job.
    """
    plan = context.plan.hook
    if plan is None:
        raise SystemFailure("this job's plan has no hook")
    phase = Phase(
        name="pre_get_sources_script",
        heading="Running hooks:pre_get_sources_script",
        run=partial(_run, plan),
    )
    run_phases(context, (phase,))


def _run(plan: PreGetSources, context: PhaseContext) -> None:
    for folder in (context.project_dir, context.temporary_dir, context.hook / "home"):
        folder.mkdir(parents=True, exist_ok=True)
    write_file_variables(context)
    attempt(
        partial(_try, plan.script, context),
        plan.attempts,
        sleep=context.sleep,
        say=context.output.warning,
        pauses=STAGE,
    )


def _try(text: str, context: PhaseContext) -> None:
    """Run the script once, in the first shell that there is, its output through our masks."""
    with _own_folder(context.hook) as folder:
        script, pipe = folder / "script", folder / "output"
        script.write_text(text, encoding="utf-8")
        os.mkfifo(pipe)
        output = JobOutput(pipe, context.output.log, log_masker(context.output.secrets))
        with _started(script, pipe, context.hook) as process:
            done = os.pidfd_open(process.pid)
            output.pass_on_until(done)
            os.close(done)
            code = process.wait()
        output.finish()
    if code:
        raise JobFailure(f"exit code {code}", reason=FailureReason.SCRIPT_FAILURE, exit_code=code)


@contextmanager
def _own_folder(parent: Path) -> Iterator[Path]:
    """Make a folder for one try; the script may make it hard to remove, which is its own matter."""
    with TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def _started(script: Path, pipe: Path, hook: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start the script, which writes into a pipe; whatever happens, nothing of it is left."""
    shell = next((shell for shell in SHELLS if os.access(shell, os.X_OK)), "sh")
    with pipe.open("wb") as writer:
        process = subprocess.Popen(
            [shell, str(script)],
            cwd="/",
            env={**os.environ, "GITLAB_CI_HOOK": str(hook)},
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

"""The helper image's program: `gitlab-ci-helper prepare`, then, next to the build, `finish`.

Before both, `hook` runs in a container of its own when the job has `hooks:pre_get_sources_script`.

Exit codes: 0, everything done; 1, a bug of ours; 70, a phase that the job needs has failed;
143, ended by TERM. The last line says why, and so does the termination message.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from gitlab_ci_provider import __version__
from gitlab_ci_provider.exceptions import (
    FailureReason,
    GitlabCiError,
    JobFailure,
    SystemFailure,
)
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.lazy_store import LazyStore
from gitlab_ci_provider.helper.output import Output, StrayWords
from gitlab_ci_provider.helper.plan_file import read_plan
from gitlab_ci_provider.helper.unread import wait_until_read
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.model.termination_message import TerminationMessage, encode_message
from gitlab_ci_provider.model.workspace import (
    CONTROL_DIR,
    HOOK_DIR,
    ID_TOKENS_DIR,
    PLAN_FILE,
    TERMINATION_LOG,
)
from gitlab_ci_provider.storage.base import sleep_about

if TYPE_CHECKING:
    from gitlab_ci_provider.storage.object_store import ObjectStore

SYSTEM_FAILURE = 70
"""EX_SOFTWARE of sysexits.h; it cannot be mistaken for an error of git, tar or a shell."""

TERMINATED = 143

MISTAKE = 1
"""As Python itself ends with an exception."""

_LAST_SECONDS = 2
"""After TERM: seconds to end children and to write the message, then the process exits anyway."""


class Terminated(BaseException):
    """The helper was told to end: Kubernetes deletes the pod."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; return the exit code."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _on_term)
    # As with the runner, files that we write can be used by any user that the job's image has.
    os.umask(0)
    output, context = Output(), None
    try:
        plan = read_plan(options.plan)
        output = Output(_secrets(plan, options.id_tokens), log=output.log)
        context = _context(plan, output, options)
        with redirect_stderr(StrayWords(output)):
            _run(options.command, context)
    except Terminated:
        code = TERMINATED
        told = _failure("ended by TERM", reason=FailureReason.RUNNER_INTERRUPTED)
    except GitlabCiError as error:
        told, code = _failed(error, output), SYSTEM_FAILURE
    except Exception as error:  # noqa: BLE001 - told in full
        output.line(traceback.format_exc())
        message = f"an error in the helper: {type(error).__name__}, see the log"
        told, code = _failure(message), MISTAKE
    else:
        told, code = _success(context), 0
    if told.message:
        output.error(told.message)
    _leave_message(replace(told, lines=output.log.count), options.termination_log)
    with suppress(OSError, Terminated):
        wait_until_read(sys.stdout.fileno())
    return code


def _run(command: str, context: PhaseContext) -> None:
    if command == "hook":
        from gitlab_ci_provider.helper.hook import hook

        hook(context)
    elif command == "prepare":
        from gitlab_ci_provider.helper.prepare import prepare

        prepare(context)
    else:
        from gitlab_ci_provider.helper.finish import finish

        finish(context)


def _context(plan: JobPlan, output: Output, options: argparse.Namespace) -> PhaseContext:
    def opener() -> ObjectStore:
        from gitlab_ci_provider.helper.stores import PlannedStore

        return PlannedStore(plan)

    return PhaseContext(
        plan=plan,
        output=output,
        store=LazyStore(opener),
        sleep=sleep_about,
        control=options.control,
        hook=options.hook,
    )


def _secrets(plan: JobPlan, id_tokens: Path) -> list[str]:
    """List what no log may show; only the pod knows its tokens."""
    masked = [variable.value for variable in plan.variables if variable.masked]
    passwords = [plan.sources.password] if plan.sources else []
    tokens = [(id_tokens / name).read_text(encoding="utf-8") for name in plan.id_tokens]
    return [*masked, *passwords, *tokens]


def _leave_message(told: TerminationMessage, path: Path) -> None:
    """Write the message where Kubernetes reads it; a failure to do so must not fail the job."""
    with suppress(OSError):
        path.write_bytes(encode_message(told))


def _success(context: PhaseContext) -> TerminationMessage:
    return TerminationMessage(artifacts=tuple(context.uploaded), reports=tuple(context.reports))


def _failed(error: GitlabCiError, output: Output) -> TerminationMessage:
    reason = error.reason if isinstance(error, JobFailure) else SystemFailure.reason
    phase = getattr(error, "phase", "")
    return _failure(output.mask(str(error)), phase=phase, reason=reason)


def _failure(
    message: str, *, phase: str = "", reason: FailureReason = SystemFailure.reason
) -> TerminationMessage:
    return TerminationMessage(phase=phase, reason=reason, message=message)


def _on_term(_number: int, _frame: FrameType | None) -> NoReturn:
    """Stop whatever is in progress; `subprocess` ends children on the way out."""
    # Threads of uploads could wait for a dead server: they do not delay the exit.
    signal.signal(signal.SIGALRM, _leave)
    signal.alarm(_LAST_SECONDS)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    os._exit(TERMINATED)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="gitlab-ci-helper", description="Runs in a job's pod, next to the job's own container."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("command", choices=("hook", "prepare", "finish"))
    parser.add_argument("--plan", type=Path, default=Path(PLAN_FILE), help="the JobPlan")
    parser.add_argument(
        "--control", type=Path, default=Path(CONTROL_DIR), help="directory shared by the containers"
    )
    parser.add_argument(
        "--id-tokens", type=Path, default=Path(ID_TOKENS_DIR), help="directory of `id_tokens:`"
    )
    parser.add_argument(
        "--hook", type=Path, default=Path(HOOK_DIR), help="directory for what the hook leaves"
    )
    parser.add_argument(
        "--termination-log",
        type=Path,
        default=Path(TERMINATION_LOG),
        help="file that Kubernetes reads",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Runs phases in order: which failures end the job, and which only warn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gitlab_ci_provider.exceptions import FailureReason, GitlabCiError, JobFailure, SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase.

    Attributes:
        name: the runner's, of the log section too.
        wanted: False leaves the phase out, section and all.
        fatal: its failure fails the job, later phases are left out.
        always: run it after such a failure, too.
    """

    name: str
    heading: str
    run: Callable[[PhaseContext], None]
    wanted: bool = True
    fatal: bool = True
    always: bool = False


class PhaseFailure(SystemFailure):
    """A phase that the job cannot do without has failed.

    Attributes:
        phase: its name.
    """

    def __init__(self, phase: str, message: str, reason: FailureReason | None):
        super().__init__(message, reason=reason)
        self.phase = phase


def run_phases(context: PhaseContext, phases: Iterable[Phase]) -> None:
    """Run phases.

    Raises:
        PhaseFailure: the first fatal failure, once the phases that always run have run.
    """
    failure: PhaseFailure | None = None
    for phase in phases:
        if phase.wanted and (failure is None or phase.always):
            with context.output.section(phase.name, phase.heading):
                problem = _run(context, phase)
            failure = failure or problem
    if failure is not None:
        raise failure


def _run(context: PhaseContext, phase: Phase) -> PhaseFailure | None:
    try:
        phase.run(context)
    except (GitlabCiError, OSError) as error:
        if not phase.fatal:
            context.output.warning(str(error))
            return None
        reason = error.reason if isinstance(error, JobFailure) else None
        return PhaseFailure(phase.name, str(error), reason)
    return None

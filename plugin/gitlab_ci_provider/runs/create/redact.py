"""What a pipeline's decision says to people, without secrets: it is logged and kept in an XCom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gitlab_ci_provider.model.diagnostic import Diagnostic
from gitlab_ci_provider.model.rules import JobDecision, PipelineDecision
from gitlab_ci_provider.variables.masking import Masker


def without_secrets(decision: PipelineDecision, masker: Masker) -> PipelineDecision:
    """Hide values in the name, the reasons and the errors of a pipeline and its jobs."""
    return replace(
        decision,
        name=None if decision.name is None else masker.text(decision.name),
        reason=masker.text(decision.reason),
        errors=_errors(decision.errors, masker),
        jobs={name: _job(one, masker) for name, one in decision.jobs.items()},
    )


def _job(decision: JobDecision, masker: Masker) -> JobDecision:
    return replace(
        decision,
        reason=masker.text(decision.reason),
        errors=_errors(decision.errors, masker),
    )


def _errors(errors: Iterable[Diagnostic], masker: Masker) -> tuple[Diagnostic, ...]:
    return tuple(replace(problem, message=masker.text(problem.message)) for problem in errors)

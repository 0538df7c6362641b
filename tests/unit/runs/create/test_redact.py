"""Decisions without secrets."""

from __future__ import annotations

from gitlab_ci_provider.model.diagnostic import SourceLocation, error
from gitlab_ci_provider.model.rules import JobDecision, PipelineDecision
from gitlab_ci_provider.runs.create.pipeline import redact
from gitlab_ci_provider.variables.masking import Masker


def test_no_word_of_a_decision_holds_a_secret():
    """`workflow:name` may name a masked variable, and reasons quote what was compared."""
    words = "it is top-secret"
    problem = error("workflow-name", words, SourceLocation(file=".gitlab-ci.yml"))
    job = JobDecision(job="a", present=True, reason=words, errors=(problem,))
    decision = PipelineDecision(
        created=True, name=words, reason=words, errors=(problem,), jobs={"a": job}
    )

    shown = redact(decision, Masker(["top-secret"]))

    assert "top-secret" not in repr(shown)
    assert shown.name == "it is [MASKED]"

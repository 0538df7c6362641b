"""What the rules of inputs say about other inputs: those must exist, and not wait for each other.

Source: GitLab's `Header::Inputs::Validator`.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitlab_ci_provider.config.keywords.fields import Field
from gitlab_ci_provider.model.input_spec import InputSpec
from gitlab_ci_provider.rules.expression.ast import input_names
from gitlab_ci_provider.rules.expression.parser import ExpressionError, parse
from gitlab_ci_provider.schedule.order import find_cycle


def check_references(specs: Mapping[str, InputSpec], header: Field) -> None:
    """Report rules that name inputs which do not exist, or which depend on this one."""
    for name, spec in specs.items():
        for position, rule in enumerate(spec.rules):
            unknown = [other for other in _named(rule.condition) if other not in specs]
            if unknown:
                words = f"rule[{position}] references undefined inputs: {', '.join(unknown)}"
                _refuse(header, name, words)
    if find_cycle({name: _needed(spec) for name, spec in specs.items()}):
        _refuse(header, next(iter(specs)), "circular dependency detected")


def _refuse(header: Field, name: str, words: str) -> None:
    problem = f"header:spec:inputs:{name} config {words}"
    header.diagnostics.error("keyword-invalid", problem, header.mark)


def _needed(spec: InputSpec) -> tuple[str, ...]:
    return tuple(name for rule in spec.rules for name in _named(rule.condition))


def _named(condition: str | None) -> tuple[str, ...]:
    """List the inputs that a condition names; a wrong one is reported where it is read."""
    try:
        return input_names(parse(condition)) if condition else ()
    except ExpressionError:
        return ()

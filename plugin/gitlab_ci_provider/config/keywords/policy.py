"""`only:` and `except:`: refs, or a mapping of conditions."""

from __future__ import annotations

from gitlab_ci_provider.config.keywords.fields import Field, strings
from gitlab_ci_provider.config.raw import Map, Seq
from gitlab_ci_provider.model.rules import Policy
from gitlab_ci_provider.rules.expression.parser import ExpressionError, parse
from gitlab_ci_provider.rules.expression.regex import compile_pattern, is_pattern

KEYS = ("refs", "kubernetes", "variables", "changes")
_WRONG_REFS = "should be an array of strings or regular expressions using re2 syntax"


def read_policy(field: Field) -> Policy | None:
    """Read `only:` or `except:`."""
    if isinstance(field.value, Seq):
        return Policy(refs=_refs(field))
    if not isinstance(field.value, Map):
        field.refuse_as("has to be either an array of conditions or a hash")
        return None
    field.only(KEYS)
    if not field.value:
        field.refuse("can't be blank")
    return Policy(
        refs=field.get("refs", _refs),
        variables=field.get("variables", _expressions),
        changes=field.get("changes", strings),
        kubernetes=field.get("kubernetes", _kubernetes),
    )


def _refs(field: Field) -> tuple[str, ...] | None:
    refs = field.value if isinstance(field.value, Seq) else Seq(field.mark, [None])
    names = tuple(ref for ref in refs if isinstance(ref, str) and _is_ref(ref))
    if len(names) != len(refs):
        field.refuse(_WRONG_REFS)
        return None
    return names


def _is_ref(ref: str) -> bool:
    return not is_pattern(ref) or compile_pattern(ref) is not None


def _expressions(field: Field) -> tuple[str, ...] | None:
    expressions = strings(field)
    for expression in expressions or ():
        try:
            parse(expression)
        except ExpressionError as error:
            field.refuse("invalid expression syntax", "rules-if-syntax", hint=str(error))
    return expressions


def _kubernetes(field: Field) -> str | None:
    if field.value == "active":
        return "active"
    field.refuse("unknown value: " + str(field.value))
    return None

"""The language of `rules:if`, as GitLab's specs state it."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.rules.expression.evaluator import is_true
from gitlab_ci_provider.rules.expression.lexer import ExpressionError
from gitlab_ci_provider.rules.expression.parser import parse

VARIABLES = {
    "FULL": "my variable",
    "EMPTY": "",
    "BLANK": "  ",
    "PATTERN": "/^MY/i",
    "N": "23",
    "TEXT": "a\nb",
    "BOOL": "true",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$FULL", True), ("$EMPTY", False), ("$BLANK", False), ("$NONE", False),
        ('"text"', True), ("null", False), ("true", True), ("false", False),
        ('$FULL == "my variable"', True), ('"my variable" == $FULL', True),
        ("$NONE == null", True), ("$EMPTY == null", False), ('$NONE == ""', False),
        ('$NONE != ""', True), ("$NONE == $OTHER", True), ("$EMPTY == ''", True),
        ("$FULL =~ /my var/", True), ("$FULL =~ /MY/", False), ("$FULL =~ /MY/i", True),
        ("$FULL !~ /x+/", True), ("$NONE =~ /x*/", True), ("$NONE =~ /xy/", False),
        ("$NONE !~ /xy/", True), ("$FULL =~ $PATTERN", True), ("$FULL =~ $NONE", False),
        ("$FULL !~ $NONE", True), ('$N =~ "1234"', True), ('"12345" =~ $N', False),
        ("$EMPTY && $FULL", True), ("$FULL && $EMPTY", False), ("$NONE && $FULL", False),
        ("$NONE || $FULL", True), ("$EMPTY || $FULL", False),
        ('$NONE && $FULL == "x" || $FULL', True),
        ('$FULL || $NONE && $NONE', True), ("($FULL || $NONE) && $NONE", False),
        ('("string" || "test") == "string"', True),
        (r"$P =~ /a\/b/", False), ('$FULL =~ "my"', False), ('"my" =~ $FULL', True),
        ("$EMPTY =~ $EMPTY", True), ('$FULL == "x" == "x"', False), ('"" || "x"', False),
        ('"string" == ("test" && "string")', True), ("$N == 'true' || $N", True),
        ('$FULL == "my variable" && $NONE == null', True), ("/ab/", True), ("$N !~ /^2/", False),
        ("$FULL =~ /VARIABLE$/i && $N", True), ('$TEXT =~ /^b$/', False), ('$TEXT =~ /^b$/m', True),
        ("$TEXT =~ /a.b/", False), ("$TEXT =~ /a.b/s", True), ("$BOOL == true", True),
        ("$BOOL != true", False), ('true == "true"', True), ("false == $BOOL", False),
        ("$NONE == false", False), ("$FULL != false", True),
    ],
)  # fmt: skip
def test_expression(expression: str, expected: bool):
    """Each expression has GitLab's truth value."""
    assert is_true(expression, VARIABLES) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "", "  ", "${FULL}", "!$FULL", "$FULL ==", "== $FULL", "$FULL $N", "$FULL == 123",
        "($FULL", "$FULL)", "()", "$FULL =~ /(/", "$FULL =~ /(?=a)b/", "$FULL =~ /x",
        "$FULL =~ /./", "$FULL && ", "$A || " * 60 + "$A", "|| &&", "$VÄR", "trueish", "$A && !$B",
        '"two\nlines"', "$FULL = 1", '($FULL == "a"))', "null null", "$FULL =~ //",
    ],
)  # fmt: skip
def test_what_is_no_expression(expression: str):
    """Everything else is a syntax error, also patterns that RE2 refuses."""
    with pytest.raises(ExpressionError):
        parse(expression)


def test_ninety_nine_words_are_allowed():
    """The limit is one hundred words."""
    assert is_true(" || ".join(["$NONE"] * 49 + ["$FULL"]), VARIABLES)


def test_no_pattern_can_hang():
    """RE2 takes linear time where other engines take exponential time."""
    assert not is_true("$A =~ /^(a+)+$/", {"A": "a" * 5000 + "b"})


def test_inputs_are_values():
    """Rules of inputs look at inputs."""
    assert is_true('$[[ inputs.env ]] == "prod" && $[[ inputs.on ]] == true', {}, {
        "env": "prod", "on": True,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("${A}", "without braces"),
        ('$A = "x"', "write =="),
        ("$A and $B", "write &&"),
        ("$A OR $B", "write ||"),
        ("$A =~ /x/", "two characters"),
        ("$A == 10", "quotes around values"),
        ("!$A", "compare with null"),
    ],
)
def test_usual_mistakes_in_conditions_get_advice(expression: str, advice: str):
    """GitLab only says that the syntax is invalid."""
    with pytest.raises(ExpressionError, match=advice.replace("|", r"\|")):
        parse(expression)

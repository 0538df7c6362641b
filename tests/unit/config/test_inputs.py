"""Interpolation blocks and the values that go into them."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.config.inputs.interpolate import interpolate
from gitlab_ci_provider.config.inputs.spec import InputRule, InputSpec
from gitlab_ci_provider.config.inputs.values import resolve_inputs

SCOPE = {"inputs": {"text": "a b", "flag": True, "list": ["x", {"y": 1}], "number": 1.5}}


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("$[[ inputs.text ]]", "a b"),
        ("$[[inputs.flag]]-$[[ inputs.number ]]", "true-1.5"),
        ("$[[ inputs.list ]]", '["x",{"y":1}]'),
        ("$[[ inputs.list[1].y ]]", "1"),
        ("$[[ inputs.text | posix_escape ]]", "a\\ b"),
        ("$[[ inputs.text | truncate(2, 5) ]]", "b"),
        ("$[[ inputs.text | split(' ') ]]", '["a","b"]'),
        ("$[[ matrix.OS ]]", "$[[ matrix.OS ]]"),
        ("$[ inputs.text ]", "$[ inputs.text ]"),
        ("$[[ inputs.text\n]]", "a b"),
    ],
)
def test_block_is_replaced(text: str, replaced: str):
    """Texts go in as they are, everything else as JSON."""
    assert interpolate(text, SCOPE, {}) == (replaced, [])


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("inputs.nobody", "unknown interpolation key: `nobody`"),
        ("inputs", "invalid interpolation access pattern"),
        ("inputs.text | shout", "no function matching `shout`"),
        ("inputs.flag | truncate(0, 1)", "truncate can only be used with string inputs"),
        ("inputs.text | split('')", "separator cannot be empty"),
        ("inputs.list[9]", "array index out of bounds"),
        ("inputs." + "x" * 2000, "maximum interpolation expression size exceeded"),
    ],
)
def test_block_that_cannot_be_replaced(block: str, problem: str):
    """GitLab's words say why."""
    _, problems = interpolate(f"$[[ {block} ]]", SCOPE, {})

    assert problem in problems[0]


def test_variables_expand_once_and_unknown_ones_stay():
    """`expand_vars` is no shell."""
    scope = {"inputs": {"x": "$A ${B} %A% $C"}}
    text, _ = interpolate("$[[ inputs.x | expand_vars ]]", scope, {"A": "$B", "B": "b"})

    assert text == "$B b $B $C"


@pytest.mark.parametrize(
    ("spec", "given", "problem"),
    [
        (InputSpec("a"), None, "required value has not been provided"),
        (InputSpec("a", type="number"), "1", "provided value is not a number"),
        (InputSpec("a", type="number"), True, "provided value is not a number"),
        (InputSpec("a", type="boolean"), "true", "provided value is not a boolean"),
        (InputSpec("a", type="array"), "x", "provided value is not an array"),
        (InputSpec("a"), 12, "provided value is not a string"),
        (InputSpec("a", options=("x",)), "y", "not in the list of allowed options"),
        (InputSpec("a", regex="^v"), "x", "provided value does not match required RegEx"),
        (InputSpec("a", regex="("), "x", "invalid regular expression"),
        (InputSpec("a", type="number", required=False, default="x"), 1, "default value is not"),
    ],
)
def test_wrong_value(spec: InputSpec, given: object, problem: str):
    """A value of the wrong type, form or choice is named with its input."""
    _, problems = resolve_inputs({"a": spec}, {} if given is None else {"a": given})

    assert problems[0].startswith("`a` input: ")
    assert problem in problems[0]


def test_rules_choose_options_and_default():
    """The first rule whose condition holds decides, on inputs that come before."""
    size = InputSpec(
        "size",
        required=False,
        rules=(
            InputRule('$[[ inputs.env ]] == "prod"', ("l", "xl"), "xl"),
            InputRule(None, ("s",), "s"),
        ),
    )
    specs = {"env": InputSpec("env"), "size": size}

    assert resolve_inputs(specs, {"env": "prod"})[0]["size"] == "xl"
    assert resolve_inputs(specs, {"env": "dev"})[0]["size"] == "s"
    assert resolve_inputs(specs, {"env": "dev", "size": "xl"})[1] != []

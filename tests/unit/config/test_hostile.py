"""Files that are made to be slow or big: each ends, most with a diagnostic."""

from __future__ import annotations

import pytest

from factories import try_compile

INPUT = "spec: {inputs: {a: {type: array, default: [" + ",".join(["z"] * 10_000) + "]}}}\n---\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"j: {{script: x, parallel: {'9' * 5000}}}", "should be an integer or a hash"),
        (f"j: {{script: x, timeout: {'9' * 5000}.0}}", "should be a duration"),
        (f"j: {{script: x, timeout: '{'9' * 5000} weeks'}}", "should be a duration"),
        (f"j: {{script: x, variables: {{A: {'9' * 4299}:59}}, zz: 1}}", "unknown keys: zz"),
        (
            INPUT + "j: {script: [" + ",".join(['"$[[ inputs.a ]]"'] * 100) + "]}",
            "config too large",
        ),
        ("include: ['" + "*a" * 40 + "b.yml']\nj: {zz: 1}", "should implement"),
    ],
)
def test_hostile_text_is_refused(text: str, words: str):
    """Huge numbers, growing lists and slow patterns end with a diagnostic."""
    found = try_compile(text, None, **{"a" * 200 + ".yml": "k: {script: x}"}).diagnostics

    assert any(words in one.message for one in found)


def test_blocks_that_never_end_cost_nothing():
    """Looking for blocks takes linear time, whatever is not closed."""
    text = "spec: {inputs: {a: {default: b}}}\n---\nj: {script: '" + "$[[" * 100_000 + "'}"

    assert try_compile(text).pipeline


def test_many_inputs_are_read_in_linear_time():
    """Rules look at other inputs, the rest does not."""
    inputs = ", ".join(f"a{number}: {{default: b}}" for number in range(5_000))

    assert try_compile(f"spec: {{inputs: {{{inputs}}}}}\n---\nj: {{script: x}}").pipeline

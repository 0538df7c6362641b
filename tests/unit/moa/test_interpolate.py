"""Moa: `${{ }}` in texts, as GitLab's documentation describes it."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.moa.ast import MoaError
from gitlab_ci_provider.moa.interpolate import interpolate, interpolate_text
from gitlab_ci_provider.model.job import Script

CONTEXT = {
    "job": {
        "inputs": {
            "name": "fred",
            "count": 3,
            "share": 0.5,
            "tags": ["smoke", "fast"],
            "verbose": False,
            "my-name": "dashed",
            "none": None,
            "huge": 10**400,
        }
    }
}

GOOD = {
    "plain $x ${y} $$ {{ z }} $": "plain $x ${y} $$ {{ z }} $",
    "Hello ${{ job.inputs.name }}, ${{job.inputs.name}}!": "Hello fred, fred!",
    "${{ job.inputs.count }}": "3",
    "n=${{ job.inputs.count + 1 }} ${{ job.inputs.share }}": "n=4 0.5",
    "${{ job.inputs.tags }}": '["smoke","fast"]',
    "${{ job.inputs.tags[1] }}": "fast",
    '${{ job["inputs"]["my-name"] }}': "dashed",
    "${{ job.inputs.verbose }}": "false",
    '${{ job.inputs.verbose && "-v" || "" }}': "",
    '${{ job.inputs.name == "fred" && "yes" || "no" }}': "yes",
    r"say \${{ literally }}": "say ${{ literally }}",
    r'${{ "a\tb\u0041\/\"" }}': 'a\tbA/"',
    r"${{ 'it\'s \\ ${{ raw }}' }}": r"it's \ ${{ raw }}",
    '${{ "n ${{ job.inputs.count }}" + "!" }}': "n 3!",
    '${{ "${{ job.inputs.count }}" + "" }}': "3",
    "${{ str(42) }} ${{ str(null) }} ${{ str(true) }}": "42 <null> true",
    '${{ num("3.14") * 2 }} ${{ bool("") }} ${{ bool("x") }}': "6.28 false true",
    "${{ 1 + 2 * 3 }} ${{ (1 + 2) * 3 }} ${{ -7 % 3 }} ${{ 7 / 2 }}": "7 9 -1 3.5",
    "${{ 1.5e3 }} ${{ 2E-1 }}": "1500 0.2",
    '${{ 1 == "1" }} ${{ "a" < "b" }} ${{ [1, 2] < [1, 3] }}': "false true true",
    '${{ {a: 1, "b": [true, null,],} }}': '{"a":1,"b":[true,null]}',
    "${{ {a: {b: 1}}.a.b }}": "1",
    "${{ null == null && !false || 0 }}": "true",
    "${{ {} == {} }} ${{ {a: 1} == {a: 2} }}": "true false",
    "${{\n job.inputs.name\n}}": "fred",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_a_text_becomes(text: str):
    """Each form of the language gives the documented value."""
    assert interpolate_text(text, CONTEXT) == GOOD[text]


BAD = {
    "${{ job.inputs.nope }}": "attribute 'nope' not found; available: name, count",
    "${{ vars.CI }}": "'vars' is not available here",
    "${{ job.inputs.tags[9] }}": "index 9 is out of range",
    "${{ job.inputs.count.x }}": "number has no member x",
    '${{ "a" + 1 }}': "+ cannot be used with string",
    "${{ 1 / 0 }}": "division by zero",
    '${{ num("3x") }}': "'3x' is not a number",
    "${{ upper(1) }}": "there is no function upper()",
    "${{ str() }}": "takes one value, not 0",
    "${{ if }}": "'if' is a reserved word",
    "a\n ${{ job.inputs.name": "expected }} at line 2, column 21",
    "${{ }}": "expected a value",
    '${{ "x }}': 'no closing "',
    r'${{ "\q" }}': "unknown escape",
    r'${{ "\ud800" }}': "unknown escape",
    "${{ job.inputs.huge + 1 }}": "number is too large",
    "${{ 1e400 }}": "number is too large",
    "${{ 1e308 * 10 }}": "result is too large",
    "${{ {(1): 2} }}": "key of an object must be a string",
    "${{ " + "(" * 5000 + " }}": "nested too deeply",
    "${{ 1" + "+1" * 5000 + " }}": "nested too deeply",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_refused(text: str):
    """An expression that cannot be read or evaluated says why, and where."""
    with pytest.raises(MoaError) as refused:
        interpolate_text(text, CONTEXT)

    assert BAD[text] in str(refused.value)


def test_every_text_of_a_value_is_replaced():
    """Texts are found in tuples and dataclasses; what is not text stays as it is."""
    script = Script(main=("run ${{ job.inputs.name }}",), before=("x",))

    assert interpolate(script, CONTEXT) == Script(main=("run fred",), before=("x",))
    assert interpolate({"a": [1, "${{ job.inputs.count }}"]}, CONTEXT) == {"a": [1, "3"]}
    assert interpolate(None, CONTEXT) is None

"""Headers of files: what `spec:` may hold, and files that are YAML only after interpolation."""

from __future__ import annotations

import pytest

from factories import make_context, try_compile
from gitlab_ci_provider.compiler.compile import CompileResult


def compiled(header: str, body: str = 'j: {script: "$[[ inputs.a ]]"}') -> CompileResult:
    """Compile a file with a header."""
    return try_compile(f"spec: {header}\n---\n{body}\n")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("{description: 1}", "header:spec config description should be a string"),
        ("{component: [zz]}", "header:spec:component config contains unknown values: zz"),
        (
            "{include: [{component: a}]}",
            "header:spec:include:include config contains unknown keys: component",
        ),
        (
            "{include: [{project: a/b}]}",
            "header:spec:include:include config must specify the file where to fetch the config",
        ),
        (
            "{include: [{local: a.yml, integrity: 1}]}",
            "header:spec:include:include config integrity hash must start with 'sha256-'",
        ),
        (
            "{inputs: {a: {type: number, default: x, options: [1]}}}",
            "`a` input: `x` cannot be used because it is not in the list of the allowed options",
        ),
        ("{inputs: {a: {type: x}}}", "header:spec:inputs:a input type unknown value: x"),
        ("{inputs: {a: {options: a}}}", "header:spec:inputs:a input options should be an array"),
        ("{inputs: {a: {options: [null]}}}", "a config options array cannot contain null values"),
        ("{inputs: {a: {regex: 1}}}", "header:spec:inputs:a input regex should be a string"),
        ("{inputs: {a: {rules: [{}]}}}", "`a` input: can't be blank"),
        ("{inputs: {a: {rules: [{zz: 1}]}}}", "`a` input: contains unknown keys: zz"),
        ("{inputs: {a: {rules: [{if: 'x =='}]}}}", "`a` input: if invalid expression syntax"),
        (
            "{inputs: {a: {rules: [{options: [x]}]}}}",
            "`a` input: rule must define 'options' with at least one value and a 'default'",
        ),
        (
            "{inputs: {a: {rules: [{options: [x], default: y}]}}}",
            "`a` input: default 'y' must be one of the options",
        ),
        (
            "{inputs: {a: {rules: [{default: x}, {if: '$[[ inputs.b ]] && $[[ inputs.c ]]'}]}}}",
            "header:spec:inputs:a config rule[1] references undefined inputs: b, c",
        ),
        (
            "{inputs: {b: , a: {rules: [{if: '$[[ inputs.a ]]', default: y}]}}}",
            "header:spec:inputs:b config circular dependency detected",
        ),
        (
            "{inputs: {a: {rules: [{default: y}], default: x}}}",
            "header:spec:inputs:a config these keys cannot be used together: rules, default",
        ),
    ],
)
def test_header_is_refused(header: str, words: str):
    """GitLab's words say what is wrong with a specification."""
    assert any(words in one.message for one in compiled(header).diagnostics)


@pytest.mark.parametrize(
    "rules", ["[{default: y}]", "[{if: \"$[[ inputs.b ]] == 'q'\", default: y}]"]
)
def test_input_with_rules_needs_no_value(rules: str):
    """One rule with a default is enough, also when it does not match."""
    result = compiled(f"{{inputs: {{a: {{rules: {rules}}}, b: {{default: x}}}}}}", "j: {script: x}")

    assert result.pipeline


def test_places_are_those_of_the_file():
    """A value of several lines moves nothing: diagnostics name the lines that are written."""
    header = '{inputs: {a: {default: "1\\n2\\n3"}}}'
    result = compiled(header, 'j: {script: "$[[ inputs.a ]]"}\nk: {script: x, when: y}')

    (found,) = [one for one in result.diagnostics if "when" in one.message]
    assert found.location.line == 4


def test_file_that_is_yaml_after_interpolation_only_is_read_with_a_warning():
    """`[$[[ inputs.a ]]]` is no YAML; GitLab refuses it, here the block goes in first."""
    result = compiled("{inputs: {a: {default: b}}}", "j: {script: [$[[ inputs.a ]]]}")

    assert result.pipeline
    assert result.pipeline.jobs["j"].script.main == ("b",)
    assert [one.code for one in result.diagnostics] == ["interpolation-unquoted"]


@pytest.mark.parametrize(
    "header", ["{component: [name, sha]}", "{}", "{inputs: {a: {default: x}}}"]
)
def test_only_components_know_what_they_are(header: str):
    """Nothing of `component.*` is known in a file that was not included as one."""
    found = compiled(header, 'j: {script: "$[[ component.name ]]"}').diagnostics

    words = "unknown interpolation provided: `name` in `component.name`"
    assert words in [one.message for one in found]


def test_a_file_without_inputs_takes_none():
    """Inputs for a pipeline whose file declares none are a mistake, not ignored."""
    result = try_compile("j: {script: x}", make_context(inputs={"a": "b"}))

    words = "Given inputs not defined in the `spec` section of the included configuration file"
    assert [one.message for one in result.diagnostics] == [words]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: {script: x}\n---\nb: {script: x}\n", 3),
        ("spec: {inputs: {}}\n---\na: {script: x}\n---\nb: {script: x}\n", 3),
        ("spec: {inputs: {}}\n---\na: {script: x}\n...\nb: {script: x}\n", 5),
    ],
)
def test_a_document_that_is_not_read_is_reported(text: str, line: int):
    """The first one counts, after a header the last one."""
    found = try_compile(text).diagnostics

    assert [(one.code, one.location.line) for one in found] == [("yaml-document-unread", line)]


def test_a_document_that_is_not_read_must_be_valid():
    """GitLab parses all documents of a file before it looks at them."""
    found = try_compile("a: {script: x}\n---\nb: [\n").diagnostics

    assert [one.code for one in found] == ["yaml-syntax"]

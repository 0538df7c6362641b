"""Interpolation blocks and the values that go into them."""

from __future__ import annotations

import pytest

from factories import make_context, make_variables, try_compile
from gitlab_ci_provider.compiler.compile import CompileResult
from gitlab_ci_provider.config.inputs.block import Scope
from gitlab_ci_provider.config.inputs.functions import known
from gitlab_ci_provider.config.inputs.interpolate import interpolate, interpolate_text
from gitlab_ci_provider.config.raw import Map, Mark, Node, Seq
from gitlab_ci_provider.model.input_spec import InputRule, InputSpec
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.rules.inputs import resolve_inputs

NAMES = {"inputs": {"text": "a b", "flag": True, "list": ["x", {"y": 1}], "number": 1.5}}
SCOPE = Scope(NAMES)
MARK = Mark("ci.yml", 3, 5)


def tree_of(value: Node) -> Map:
    """Make a mapping of one key."""
    tree = Map(MARK)
    tree.put("key", value, MARK)
    return tree


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("$[[ inputs.text ]]", "a b"),
        ("$[[ inputs.flag ]]", True),
        ("$[[ inputs.number ]]", 1.5),
        ("$[[ inputs.list ]]", ["x", {"y": 1}]),
        ("is $[[ inputs.list ]]", 'is ["x", {"y": 1}]'),
        ("$[[inputs.flag]]-$[[ inputs.number ]]", "true-1.5"),
        ("$[[ inputs.list[1].y ]]", 1),
        ("$[[ inputs.text | posix_escape ]]", "a\\ b"),
        ("$[[ inputs.text | truncate(2, 5) ]]", "b"),
        ("$[[ inputs.text | split(' ') ]]", ["a", "b"]),
        ("$[[ matrix.OS ]]", "$[[ matrix.OS ]]"),
        ("$[ inputs.text ]", "$[ inputs.text ]"),
        ("$[[ inputs.text\n]]", "a b"),
    ],
)
def test_block_is_replaced(text: str, replaced: object):
    """A text that is one block takes the value with its type; else the value goes in as text."""
    made, problems = interpolate(tree_of(text), SCOPE)

    assert made == {"key": replaced}
    assert problems == []


def test_list_in_a_list_becomes_part_of_it():
    """`- $[[ inputs.list ]]` among other items adds the items of the list."""
    items = Seq(MARK, ["first", "$[[ inputs.list ]]", "last"], [MARK] * 3)
    made, _ = interpolate(tree_of(items), SCOPE)

    assert made == {"key": ["first", "x", {"y": 1}, "last"]}


def test_keys_are_replaced():
    """A key may be made of inputs."""
    tree = Map(MARK)
    tree.put("job $[[ inputs.text ]]", "x", MARK)

    assert interpolate(tree, SCOPE)[0] == {"job a b": "x"}


def test_a_text_stays_a_text():
    """What looks like a boolean, a comment or a list is none: blocks are replaced after YAML."""
    scope = Scope({"inputs": {"x": "true", "y": "a: [b] # c"}})
    made, _ = interpolate(tree_of(Seq(MARK, ["$[[ inputs.x ]]", "$[[ inputs.y ]]"])), scope)

    assert made == {"key": ["true", "a: [b] # c"]}


def test_problem_knows_its_place():
    """A block that cannot be replaced is shown where it stands."""
    (problem,) = interpolate(tree_of("$[[ inputs.nobody ]]"), SCOPE)[1]

    assert problem.mark == MARK


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("inputs.nobody", "unknown interpolation provided: `nobody` in `inputs.nobody`"),
        ("inputs.text.a", "unknown interpolation provided: `a` in `inputs.text.a`"),
        ("a.b.c.d.e.f", "unknown interpolation provided: `a` in `a.b.c.d.e.f`"),
        ("inputs", "valid pattern is $[[ inputs.input ]], found `inputs`"),
        ("text[0]", "invalid pattern used for interpolation."),
        ("inputs.text | shout", "no function matching `shout`"),
        ("inputs.flag | truncate(0, 1)", "truncate can only be used with string inputs"),
        ("inputs.text | split('')", "separator cannot be empty"),
        ("inputs.list[9]", "array index 9 out of bounds (size: 2) in `inputs.list[9]`"),
        ("inputs.text[0]", "cannot index into non-array value at [0] in `inputs.text[0]`"),
        ("inputs.list[x]", "invalid array index in `inputs.list[x]`: `x` is not a valid index"),
        ("inputs.[0]", "invalid indexed access without a key in `inputs.[0]`"),
        ("inputs.list[0]x", "invalid array index syntax in `inputs.list[0]x`"),
        (
            "inputs.list[0][0][0][0][0][0]",
            "too many array indices in `inputs.list[0][0][0][0][0][0]` (maximum depth: 5)",
        ),
        ("inputs.list[0", "invalid array index in `inputs.list[0`: missing closing bracket"),
        ("inputs." + "x" * 2000, "maximum interpolation expression size exceeded"),
    ],
)
def test_block_that_cannot_be_replaced(block: str, words: str):
    """GitLab's words say why."""
    _, problems = interpolate(tree_of(f"$[[ {block} ]]"), SCOPE)

    assert words in problems[0].words


def test_variables_expand_once_and_unknown_ones_stay():
    """`expand_vars` is not a shell."""
    variables = make_variables(A="$B", B="b")
    scope = Scope({"inputs": {"x": "$A ${B} %A% $C"}}, known(variables))
    made, _ = interpolate(tree_of("$[[ inputs.x | expand_vars ]]"), scope)

    assert made == {"key": "$B b $B $C"}


def test_masked_variables_are_not_expanded():
    """A masked value must not get into a configuration that everybody can read."""
    secret = Variable(name="A", value="secret", masked=True)
    scope = Scope({"inputs": {"x": "$A"}}, known(Variables([secret])))
    _, problems = interpolate(tree_of("$[[ inputs.x | expand_vars ]]"), scope)

    assert "masked variables cannot be expanded" in problems[0].words
    assert "secret" not in problems[0].words


def test_text_that_is_no_yaml_yet_gets_json():
    """Where blocks make the YAML, other values than texts go in as JSON."""
    text, _ = interpolate_text("a: [$[[ inputs.text ]], $[[ inputs.list ]]]", SCOPE, MARK)

    assert text == 'a: [a b, ["x",{"y":1}]]'


@pytest.mark.parametrize(
    ("spec", "given", "problem"),
    [
        (InputSpec("a"), None, "required value has not been provided"),
        (InputSpec("a", type="number"), "1", "provided value is not a number"),
        (InputSpec("a", type="number"), True, "provided value is not a number"),
        (InputSpec("a", type="boolean"), "yes", "provided value is not a boolean"),
        (InputSpec("a", type="array"), "x", "provided value is not an array"),
        (InputSpec("a"), 12, "provided value is not a string"),
        (InputSpec("a", options=("x",)), "y", "not in the list of allowed options"),
        (InputSpec("a", type="array", options=("x",)), ["y", "x", "z"], "y, z cannot be used"),
        (InputSpec("a", type="array", options=("x",)), "x", "provided value is not an array"),
        (InputSpec("a", type="boolean", options=(True,)), True, "Options can only be used"),
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


@pytest.mark.parametrize("given", [["x"], ["y", "x"], []])
def test_options_of_a_list(given: list[str]):
    """The options of a list say which items it may hold."""
    spec = InputSpec("a", type="array", options=("x", "y"))

    assert resolve_inputs({"a": spec}, {"a": given}) == ({"a": given}, [])


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


@pytest.mark.parametrize(
    ("kind", "given", "value"), [("boolean", "true", True), ("array", '["a"]', ["a"])]
)
def test_text_is_read_as_the_type(kind: str, given: str, value: object):
    """A variable can only give texts, so booleans and lists may be written as such."""
    assert resolve_inputs({"a": InputSpec("a", type=kind)}, {"a": given}) == ({"a": value}, [])


@pytest.mark.parametrize(
    ("kind", "given", "script"),
    [("string", "1.10", "is 1.10"), ("number", "3", "is 3"), ("array", '["a"]', 'is ["a"]')],
)
def test_inputs_of_a_pipeline_may_be_texts(kind: str, given: str, script: str):
    """Flags, forms and push options give nothing else; the type says what they mean."""
    text = f"spec: {{inputs: {{a: {{type: {kind}}}}}}}\n---\nj: {{script: 'is $[[ inputs.a ]]'}}\n"
    result = try_compile(text, make_context(inputs={"a": given}))

    assert result.pipeline, result.diagnostics
    assert result.pipeline.jobs["j"].script.main == (script,)


def test_a_quoted_number_of_a_file_is_a_text():
    """GitLab refuses it for an input that is a number."""
    content = "spec: {inputs: {a: {type: number}}}\n---\nj: {script: x}\n"
    errors = [one for one in included("{a: '1'}", content).diagnostics if one.severity == "error"]

    assert "provided value is not a number" in errors[0].message


def test_nothing_given_leaves_it_to_the_rules():
    """An empty text from a form means the default that rules give."""
    spec = InputSpec("a", required=False, rules=(InputRule(None, ("x",), "x"),))

    assert resolve_inputs({"a": spec}, {"a": ""}) == ({"a": "x"}, [])


RULES = """spec: {inputs: {rules: {type: array}, name: {default: j}}}
---
$[[ inputs.name ]]:
  script: x
  rules: $[[ inputs.rules ]]
"""
LIST = "[!reference [.base, rules], {if: $B}]"


def included(inputs: str, content: str = RULES) -> CompileResult:
    """Compile a file that passes inputs to another."""
    text = f"include: [{{local: x.yml, inputs: {inputs}}}]\n.base: {{rules: [{{if: $A}}]}}\n"
    return try_compile(text, None, **{"x.yml": content})


def test_reference_in_a_list_is_replaced_after_the_inputs():
    """A list with `!reference` in it becomes the value of a key, where the reference is found."""
    result = included(f"{{rules: {LIST}}}")

    assert result.pipeline
    assert [rule.condition for rule in result.pipeline.jobs["j"].rules or ()] == ["$A", "$B"]
    assert [one.code for one in result.diagnostics] == ["inputs-reference"]


def test_reference_goes_through_several_files():
    """A file may pass on a list that it was given."""
    content = RULES + "include: [{local: y.yml, inputs: {rules: '$[[ inputs.rules ]]', name: k}}]"
    files = {"x.yml": content, "y.yml": RULES}
    text = f"include: [{{local: x.yml, inputs: {{rules: {LIST}}}}}]\n.base: {{rules: [{{if: $A}}]}}"
    result = try_compile(text, None, **files)

    assert result.pipeline
    assert result.pipeline.jobs["k"].rules == result.pipeline.jobs["j"].rules


@pytest.mark.parametrize(
    ("inputs", "content", "words"),
    [
        ("{rules: !reference [.base, rules]}", RULES, "`rules` input: provided value cannot"),
        ("{rules: [], name: !reference [.base, x]}", RULES, "`name` input: provided value cannot"),
        (f"{{rules: {LIST}}}", RULES.replace(": x", ": echo $[[ inputs.rules ]]"), "a !reference"),
        (f"{{rules: {LIST}}}", RULES.replace(": x", ": [$[[ inputs.rules ]] y]"), "a !reference"),
        (f"{{rules: {LIST}}}", RULES.replace("j}", "!reference [a]}"), "`name` input: default"),
    ],
)
def test_reference_elsewhere_in_inputs_is_refused(inputs: str, content: str, words: str):
    """GitLab cannot replace it there, and writes what its program calls it."""
    errors = [one for one in included(inputs, content).diagnostics if one.severity == "error"]

    assert len(errors) == 1
    assert words in errors[0].message

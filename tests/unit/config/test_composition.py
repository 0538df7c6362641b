"""Documents, merge, extends and references."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.documents import split
from gitlab_ci_provider.config.extends import apply_extends
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import Map, Mark, deep_merge
from gitlab_ci_provider.config.references import resolve_references


def _map(text: str, file: str = "f.yml") -> Map:
    node = load(text, file, Diagnostics())
    assert isinstance(node, Map)
    return node


def test_merge_joins_mappings_and_replaces_the_rest():
    """Lists and scalars of the later mapping win whole, null, too."""
    merged = deep_merge(_map("a: {x: 1, y: [1]}\nb: {z: 1}"), _map("a: {y: [2]}\nb: null"))

    assert merged == {"a": {"x": 1, "y": [2]}, "b": None}


def test_merge_remembers_where_the_winner_was_written():
    """The place of a key is that of its winning value."""
    merged = deep_merge(_map("a: 1\nb: 1", "low.yml"), _map("\nb: 2", "high.yml"))

    assert merged.place("a").file == "low.yml"
    assert merged.place("b") == Mark("high.yml", 2, 1)


def test_merge_leaves_its_operands_alone():
    """Merging makes a new mapping."""
    base = _map("a: {x: 1}")
    deep_merge(base, _map("a: {x: 2}"))

    assert base == {"a": {"x": 1}}


def test_of_a_mistyped_base_it_is_said_which_one_may_be_meant():
    """In a hint: the message is GitLab's."""
    diagnostics = Diagnostics()

    apply_extends(_map(".base: {script: x}\njob: {extends: .bsae}"), diagnostics)

    assert [one.hint for one in diagnostics.found] == ["Did you mean '.base'?"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (".hidden: {extends: 5}", "5"),
        (".hidden: {extends: [.base, {a: b}]}", "{'a': 'b'}"),
        ("job: {extends: !reference [.base, script]}", '!reference [".base", "script"]'),
    ],
)
def test_a_base_that_is_no_name_is_refused(text: str, shown: str):
    """Also in hidden jobs; a reference is replaced only once `extends` is done."""
    diagnostics = Diagnostics()

    apply_extends(_map(f".base: {{script: x}}\n{text}"), diagnostics)

    assert f"unknown keys in `extends` ({shown})" in diagnostics.found[0].message


def _extends(levels: int) -> tuple[Map, Diagnostics]:
    text = ".l0: {script: x}\n"
    text += "".join(f".l{n}: {{extends: .l{n - 1}}}\n" for n in range(1, levels))
    diagnostics = Diagnostics()
    return apply_extends(_map(text + f"job: {{extends: .l{levels - 1}}}"), diagnostics), diagnostics


def test_eleven_levels_of_extends_are_allowed():
    """GitLab stops after eleven."""
    tree, diagnostics = _extends(11)

    assert diagnostics.found == []
    assert isinstance(tree["job"], Map)
    assert tree["job"]["script"] == "x"


def test_twelve_levels_of_extends_are_too_many():
    """The twelfth level is an error at its job."""
    _, diagnostics = _extends(12)

    assert [one.code for one in diagnostics.found] == ["extends-nesting-too-deep"]


def test_thousands_of_extends_do_not_exhaust_the_stack():
    """A chain of any length is refused, not followed."""
    _, diagnostics = _extends(3000)

    codes = {one.code for one in diagnostics.found}
    assert codes == {"extends-nesting-too-deep", "too-many-problems"}


def test_references_to_references_are_followed():
    """A reference may lead to another one, written before or after it."""
    tree = _map("a: !reference [b]\nb: [!reference [c, d]]\nc: {d: [1, 2]}")

    resolved = resolve_references(tree, Diagnostics())

    assert resolved is not None
    assert resolved["a"] == [[1, 2]]


def test_many_references_share_one_value():
    """A value that is referenced often is resolved once."""
    tree = resolve_references(_map("a: !reference [c]\nb: !reference [c]\nc: [1]"), Diagnostics())

    assert tree is not None
    assert tree["a"] is tree["b"]


def test_endless_references_end():
    """References that multiply with each level cost no more than what is written."""
    text = "".join(f"a{n}: [!reference [a{n + 1}], !reference [a{n + 1}]]\n" for n in range(50))
    diagnostics = Diagnostics()
    resolve_references(_map(text + "a50: [x]\n"), diagnostics)

    assert {one.code for one in diagnostics.found} == {"config-too-big"}


@pytest.mark.parametrize(
    ("text", "has_header", "first_line"),
    [
        ("a: 1\n", False, 1),
        ("---\na: 1\n", False, 2),
        ("# note\n---\na: 1\n", False, 3),
        ("spec: {inputs: {}}\n---\na: 1\n", True, 3),
        ("---\nspec:\n---\na: 1\n", True, 4),
        ("a: 1\n---\nb: 2\n", False, 1),
        ("a: |\n  --- \n", False, 1),
        ("", False, 1),
    ],
)
def test_header_is_a_document_of_its_own(text: str, has_header: bool, first_line: int):
    """Only a first document with `spec` is a header; the content keeps the file's lines."""
    documents = split(text, "f.yml", Diagnostics())

    assert (documents.header is not None, documents.first_line) == (has_header, first_line)


def _deep(levels: int, inside: str) -> str:
    return "[" * levels + inside + "]" * levels


def test_references_cannot_nest_without_end():
    """Deep lists that reference each other are refused before anybody recurses into them."""
    diagnostics = Diagnostics()
    text = "".join(f"a{n}: {_deep(90, f'!reference [a{n + 1}]')}\n" for n in range(30))
    resolve_references(_map(f"{text}a30: [x]\n"), diagnostics)

    assert {one.code for one in diagnostics.found} >= {"reference-too-deep"}


def test_references_in_any_order_cannot_nest_without_end():
    """The same holds when the deepest one is resolved first."""
    diagnostics = Diagnostics()
    text = "".join(f"a{n}: {_deep(90, f'!reference [a{n + 1}]')}\n" for n in reversed(range(30)))
    resolve_references(_map(f"a30: [x]\n{text}"), diagnostics)

    assert {one.code for one in diagnostics.found} >= {"reference-too-deep"}

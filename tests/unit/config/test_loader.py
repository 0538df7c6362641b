"""YAML to a tree with places, within limits."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.config.diagnostics import Diagnostics
from gitlab_ci_provider.config.loader import load
from gitlab_ci_provider.config.raw import Map, Mark, Node, Reference, Seq
from gitlab_ci_provider.config.yaml_errors import LoadError


def _load(text: str) -> Node:
    return load(text, "f.yml", Diagnostics())


def _map(text: str) -> Map:
    node = _load(text)
    assert isinstance(node, Map)
    return node


def test_keys_and_items_know_their_places():
    """Every key and every item has file, line and column, counted from 1."""
    tree = _map("a:\n  b: [x,\n    y]\n")
    inner = tree["a"]
    assert isinstance(inner, Map)
    items = inner["b"]
    assert isinstance(items, Seq)

    assert inner.place("b") == Mark("f.yml", 2, 3)
    assert items.place(1) == Mark("f.yml", 3, 5)


def test_a_part_of_a_file_keeps_the_files_lines():
    """A text that starts further down counts from there."""
    tree = load("a: 1\n", "f.yml", Diagnostics(), first_line=10)
    assert isinstance(tree, Map)

    assert tree.place("a").line == 10


def test_merge_key_overwrites_what_stands_before_it():
    """Psych applies `<<` where it is written."""
    tree = _map("b: &b {x: base, y: base}\nj:\n  x: own\n  <<: *b\n  y: own\n")

    assert tree["j"] == {"x": "base", "y": "own"}


def test_first_of_several_merged_mappings_wins():
    """In a list of merges the earlier mapping wins."""
    tree = _map("a: &a {x: a}\nb: &b {x: b, y: b}\nj: {<<: [*a, *b]}\n")

    assert tree["j"] == {"x": "a", "y": "b"}


def test_merge_key_with_a_scalar_is_an_ordinary_key():
    """Only mappings can be merged."""
    assert _map("j: {<<: text}\n")["j"] == {"<<": "text"}


def test_quoted_and_tagged_scalars_stay_text():
    """Quotes, `!!str` and block scalars keep the type."""
    assert _map("a: 'yes'\nb: !!str 12\nc: |\n  1\nd: !unknown yes\n") == {
        "a": "yes", "b": "12", "c": "1\n", "d": True,
    }  # fmt: skip


def test_keys_are_kept_as_written():
    """A key that YAML reads as a boolean or number stays text; the boolean one is warned of."""
    diagnostics = Diagnostics()
    tree = load("yes: 1\n12: 2\n", "f.yml", diagnostics)

    assert tree == {"yes": 1, "12": 2}
    assert [one.code for one in diagnostics.found] == ["yaml-boolean-key"]


def test_duplicate_keys_are_warned_of():
    """The last one wins, and the first one's line is told."""
    diagnostics = Diagnostics()
    tree = load("a: 1\nb: 2\na: 3\n", "f.yml", diagnostics)

    assert tree == {"a": 3, "b": 2}
    assert "line 1" in diagnostics.found[0].message
    assert diagnostics.found[0].location.line == 3


def test_references_are_kept_with_their_path():
    """`!reference` lists become values of their own; other shapes have no path."""
    tree = _map("a: !reference [b, c]\nd: !reference text\ne: !reference {f: g}\n")
    found = list(tree.values())

    assert all(isinstance(one, Reference) for one in found)
    assert [one.path for one in found if isinstance(one, Reference)] == [("b", "c"), None, None]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: b: c", "yaml-syntax"),
        ("a: 'x", "yaml-syntax"),
        ("a:\n\t- b", "yaml-syntax"),
        ("a: *nobody", "yaml-unknown-anchor"),
        ("a: 2024-01-31", "yaml-date"),
        ("? [a, b]\n: c", "yaml-key"),
        ("[" * 200, "yaml-too-deep"),
        ("- " * 200 + "x", "yaml-too-deep"),
        ("a: \x01", "yaml-syntax"),
        ("&a [*a]", "yaml-unknown-anchor"),
    ],
)
def test_what_cannot_be_loaded(text: str, code: str):
    """Broken, too deep or forbidden YAML is refused with a code and a place."""
    with pytest.raises(LoadError) as refused:
        _load(text)

    assert refused.value.code == code
    assert refused.value.mark.file == "f.yml"


def test_syntax_errors_speak_as_psych_does():
    """The message holds libyaml's words, line and column."""
    with pytest.raises(LoadError, match=r"mapping values are not allowed .* line 2 column 5"):
        _load("x: y\na: b: c")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a:\n\t- b", "Indent with spaces"),
        ("a: b\n\tc: d", "Indent with spaces"),
        ("a: @b", "begins with `@` in quotes"),
        ("a: [*.js]", "begins with `*` in quotes"),
        ("a: {if: !$B}", "begins with `!` in quotes"),
        ("a: echo b: c", "contains `: ` in quotes"),
        ('a: "\\d"', "single quotes"),
        ("a: *elsewhere", "in the same file"),
        ("a: 2024-01-31", "in quotes"),
    ],
)
def test_usual_mistakes_in_yaml_get_a_hint(text: str, hint: str):
    """The words of the message are libyaml's, which say what it met and not what to do."""
    with pytest.raises(LoadError) as refused:
        _load(text)

    assert hint in (refused.value.hint or "")


def test_alias_bomb_is_refused():
    """Aliases count with all that they stand for."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 9):
        bomb += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"

    with pytest.raises(LoadError, match="The parsed YAML is too big"):
        _load(bomb)


def test_merge_bomb_is_refused():
    """So do merge keys, of which each level takes over ten times the one below."""
    bomb = "m0: &m0 {k: v}\n"
    for level in range(1, 9):
        merged = ", ".join([f"*m{level - 1}"] * 10)
        bomb += f"m{level}: &m{level} {{<<: [{merged}], k{level}: v}}\n"

    with pytest.raises(LoadError, match="The parsed YAML is too big"):
        _load(bomb)


def test_aliases_share_nodes():
    """An alias costs nothing: it is the same object."""
    tree = _map("a: &a [x]\nb: *a\n")

    assert tree["a"] is tree["b"]


def test_aliases_cannot_nest_without_end():
    """Depth counts through aliases."""
    text = "".join(
        f"a{n}: &a{n} {'[' * 60}{f'*a{n - 1}' if n else 'x'}{']' * 60}\n" for n in range(3)
    )

    with pytest.raises(LoadError) as refused:
        _load(text)

    assert refused.value.code == "yaml-too-deep"


def test_thousands_of_problems_are_cut_off():
    """The list of findings has an end, and says so."""
    diagnostics = Diagnostics()
    load("a: 1\n" * 5000, "f.yml", diagnostics)

    assert len(diagnostics.found) == 2001
    assert diagnostics.found[-1].code == "too-many-problems"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_hints_find_their_character_whatever_ends_lines(end: str):
    """YAML has more ends of lines than one."""
    with pytest.raises(LoadError) as met:
        load(f"a: 1{end}{end}b: @x", "file", Diagnostics())

    assert met.value.mark.line == 3
    assert met.value.hint == "Put a text that begins with `@` in quotes."

"""GitLab's path patterns."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.storage.globs import BadPatternError, compile_glob


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a", "a"),
        ("*", "a"),
        ("*", ".hidden"),
        ("*.txt", "a.txt"),
        ("a/*", "a/b"),
        ("**", "a/b/c"),
        ("**/*.log", "x.log"),
        ("**/*.log", "a/b/x.log"),
        ("a/**", "a"),
        ("a/**", "a/b/c"),
        ("a/**/b", "a/b"),
        ("a/**/b", "a/x/y/b"),
        ("a?c", "abc"),
        ("[a-c]x", "bx"),
        ("[^a-c]x", "dx"),
        ("[!a-c]x", "dx"),
        ("[]]", "]"),
        ("{a,b}/c", "b/c"),
        ("{a,b/{c,d}}", "b/d"),
        ("*.{js,css}", "x.css"),
        ("{**/x,y}", "a/b/x"),
        ("a**", "abc"),
        (r"\*", "*"),
        (r"a\{b", "a{b"),
        ("a,b}", "a,b}"),
        ("a.b+c(d)", "a.b+c(d)"),
        ("line\nend", "line\nend"),
        ("[+--]", ","),
        ("[a&&b~~||]", "&"),
        (r"[a\]b]", "]"),
        (r"[\-x]", "-"),
    ],
)
def test_matches(pattern: str, path: str):
    """What doublestar, the runner's library, matches."""
    assert compile_glob(pattern).matches(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*", "a/b"),
        ("a*", "a/b"),
        ("a?b", "a/b"),
        ("a[^x]b", "a/b"),
        ("a/*", "a"),
        ("a**", "a/b"),
        ("**/b", "ab"),
        ("a/**/b", "axb"),
        ("{a,b}", "c"),
        ("[a-c]", "d"),
        (r"\*", "a"),
        ("a", "a\n"),
        ("a.b", "axb"),
    ],
)
def test_does_not_match(pattern: str, path: str):
    """What doublestar does not match."""
    assert not compile_glob(pattern).matches(path)


@pytest.mark.parametrize("pattern", ["[a", "{a", "{a,{b}", "a\\", "[b-a]", "[?--]", r"[a\]"])
def test_wrong_patterns_are_refused(pattern: str):
    """They are told about instead of matching nothing in silence."""
    with pytest.raises(BadPatternError):
        compile_glob(pattern)


@pytest.mark.parametrize(
    ("pattern", "base", "depth"),
    [("a/b", "a/b", 2), ("a/*/c", "a", 3), ("a/**", "a", None), ("*", "", 1), ("{a,b}", "", None)],
)
def test_knows_where_to_look(pattern: str, base: str, depth: int | None):
    """Only the pattern's own folder is walked, and only as deep as it can match."""
    glob = compile_glob(pattern)

    assert (glob.base, glob.depth) == (base, depth)


@given(st.text(alphabet="ab*?[]{},/\\!^-.", max_size=12), st.text(alphabet="ab/.", max_size=8))
def test_any_pattern_answers_or_is_refused(pattern: str, path: str):
    """No text makes the translation go wrong in another way."""
    with contextlib.suppress(BadPatternError):
        compile_glob(pattern).matches(path)

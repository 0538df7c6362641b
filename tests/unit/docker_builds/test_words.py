import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitlab_ci_provider.docker_builds.shell import read_shell
from gitlab_ci_provider.docker_builds.words import Word, joined, said

VALUES = {"A": "a1", "B": "x/y", "EMPTY": ""}
PLAIN = ["a", "b9", "_", "/", ":", "=", "-", ".", "$A", "${A}", "${EMPTY:-d}", "$(echo s)"]
QUOTED = [
    "`echo t`",
    '"q $A"',
    '"$B"',
    '"$(echo "u")"',
    '"\\$A\\\\ \\`"',
    "'l $A'",
    "\\$",
    '"$"',
    "'$'",
]
PIECES = st.sampled_from([*PLAIN, *QUOTED])


def _word(source: str) -> Word:
    statements = read_shell(f"program {source}")
    assert statements is not None
    return statements[0].commands[0].words[1]


def _shell(arguments: list[str]) -> list[str]:
    """Have a shell expand arguments, each of which is one word."""
    script = "".join(f"printf '%s\\0' {argument}\n" for argument in arguments)
    done = subprocess.run(["sh", "-c", script], env=VALUES, capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(PIECES, min_size=1, max_size=6).map("".join), min_size=30, max_size=60))
def test_a_word_in_quotes_means_what_the_shell_makes_of_it(sources: list[str]):
    """Where no value has blanks, quotes change nothing."""
    sources = [source for source in sources if _word(f"x{source}").source == f"x{source}"]
    words = [_word(f"x{source}") for source in sources]

    assert not any(word.problem for word in words)
    assert _shell([word.quoted for word in words]) == _shell([word.source for word in words])


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(PIECES, PIECES), min_size=10, max_size=30))
def test_joined_words_mean_both(pairs: list[tuple[str, str]]):
    """A variable's name does not grow by what follows it."""
    words = [(_word(f"x{left}"), _word(f"y{right}")) for left, right in pairs]
    together = [joined(left, right).quoted for left, right in words]
    apart = [side.quoted for pair in words for side in pair]

    found = _shell(apart)
    assert _shell(together) == [a + b for a, b in zip(found[::2], found[1::2], strict=True)]


@pytest.mark.parametrize(
    "source", ["*.d", "x{a,b}", "~/x", "a?", "$'a'", "$1", "$@", "${A:-'b c'}", "[ab]", "~"]
)
def test_what_quotes_would_change_is_a_problem(source: str):
    """Patterns, braces, home folders and positional parameters cannot be put into quotes."""
    assert _word(source).problem


def test_spellings_of_one_name_are_the_same():
    """`$A:1`, `"$A:1"` and `${A}':1'` name one image."""
    sources = ["$A:1", '"$A:1"', "${A}':1'", '"${A}":1']

    assert len({_word(source).identity for source in sources}) == 1


def test_text_stays_text():
    """What is said literally is never expanded."""
    assert _shell([said('$A `x` "\\').quoted]) == ['$A `x` "\\']

"""Patterns with `*`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitlab_ci_provider.model.wildcards import matches

LETTERS = st.text(alphabet="ab*.\n", max_size=8)


@given(LETTERS, LETTERS)
def test_a_star_stands_for_any_characters(pattern: str, text: str):
    """And nothing else stands for anything but itself."""
    regex = ".*".join(map(re.escape, pattern.split("*")))

    assert matches(pattern, text) is (re.fullmatch(regex, text, re.DOTALL) is not None)


@pytest.mark.parametrize("text", ["a" * 10_000, "ab" * 5_000, ""])
def test_no_text_takes_for_ever(text: str):
    """With 500 wildcards; a regular expression tries each way to place them."""
    assert matches("*a" * 500 + "c", text) is False

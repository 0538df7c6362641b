"""Plain scalars as Ruby's Psych reads them."""

from __future__ import annotations

import math

import pytest

from gitlab_ci_provider.config.scalars import DisallowedClassError, resolve, to_ruby_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("nil", "nil"),
        ("yes", True), ("On", True), ("TRUE", True), ("y", "y"), ("yesterday", "yesterday"),
        ("no", False), ("off", False), ("False", False), ("n", "n"),
        ("0777", 511), ("0o777", "0o777"), ("08", "08"), ("0x1F", 31), ("0b101", 5),
        ("1_000", 1000), ("1,000", 1000), ("+1", 1), ("-12", -12), ("0", 0),
        ("1.10", 1.1), ("1.2.3", "1.2.3"), ("1e3", "1e3"), ("1.5e+3", 1500.0), (".5", 0.5),
        (".", "."), ("-", "-"), ("+.", "+."),
        ("12:30:45", 45045), ("12:30", 45000), ("190:20:30.15", 685230.15), ("1:60", "1:60"),
        (".inf", math.inf), ("-.INF", -math.inf),
        ("2024-13-01", "2024-13-01"), ("v1", "v1"), ("1 a", "1 a"), ("$A", "$A"), (":sym", "sym"),
        (":'a b'", "a b"), (":", ":"),
    ],
)  # fmt: skip
def test_plain_scalar(text: str, value: object):
    """Each spelling has the type that Psych gives it."""
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("text", ["2024-01-31", "2024-01-31 10:20:30", "2024-01-31T10:20:30Z"])
def test_dates_are_refused(text: str):
    """GitLab's loader permits neither dates nor times."""
    with pytest.raises(DisallowedClassError, match="Tried to load unspecified class"):
        resolve(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (None, ""), (1.1, "1.1"), (1e20, "1.0e+20"), (1.5e-7, "1.5e-07"),
        (math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN"), (12, "12"),
    ],
)  # fmt: skip
def test_numbers_become_text_as_in_ruby(value: float | None, text: str):
    """Variables written as numbers have the text of Ruby's `to_s`."""
    assert to_ruby_text(value) == text

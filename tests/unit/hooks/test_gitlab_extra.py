"""What a connection to GitLab may say in its extra."""

from __future__ import annotations

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.gitlab import flag


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({}, False),
        ({"comments": True}, True),
        ({"comments": "True"}, True),
        ({"comments": 1}, True),
        ({"comments": "off"}, False),
        ({"comments": ""}, False),
        ({"comments": None}, False),
    ],
)
def test_a_flag_is_true_or_false(said: dict[str, object], meant: bool):
    """JSON's values and the words that people write for them."""
    assert flag("gitlab_default", "comments", said) is meant


def test_a_flag_that_is_neither_is_said():
    """A slip of the pen turned it off without a word."""
    with pytest.raises(SettingsError, match="'gitlab_default': comments is 'ture', not true or"):
        flag("gitlab_default", "comments", {"comments": "ture"})

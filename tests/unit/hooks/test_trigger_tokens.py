"""Trigger tokens, from an Airflow Variable."""

from __future__ import annotations

import hashlib
import json

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.hooks.trigger_tokens import KeptTokens, Tokens, parse_tokens

TOKEN = "0123456789abcdef"
HASH = hashlib.sha256(TOKEN.encode()).hexdigest()


def test_a_token_is_known_by_its_hash():
    """Of its own projects only; the hash itself is not a token."""
    tokens = {
        "g/p": {"old": "0" * 64, "bot": HASH},
        "g/q": {"bot": HASH},
        "g/other": {"x": "1" * 64},
    }
    kept = KeptTokens(lambda: parse_tokens(json.dumps(tokens)))

    assert kept.projects_of(TOKEN) == ["g/p", "g/q"]
    for token in (HASH, "", "\udcff"):
        assert kept.projects_of(token) == []
    assert kept.any()


@pytest.mark.parametrize(
    "text", ["s3cret", '{"g/p": "s3cret"}', '{"g/p": {"bot": "s3cret"}}', "[]"]
)
def test_a_wrong_variable_is_named_and_not_quoted(text: str):
    """It may be that somebody has put a token there."""
    with pytest.raises(SettingsError, match="gitlab_ci_trigger_tokens") as caught:
        parse_tokens(text)

    assert "s3cret" not in str(caught.value)


def test_a_flood_of_requests_asks_once():
    """The Variable is read twice a minute at most."""
    asked, now = [], [0.0]

    def read() -> Tokens:
        asked.append(1)
        return {}

    kept = KeptTokens(read, lambda: now[0])
    for _ in range(9):
        assert kept.projects_of(TOKEN) == []
    assert len(asked) == 1
    now[0] = 31
    assert not kept.any()
    assert len(asked) == 2

"""Whether a request comes from GitLab."""

from __future__ import annotations

import base64

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.gitlab_api.webhook_signature import (
    WebhookSecrets,
    check_token,
    is_genuine,
    may_come_in,
    signing_key,
)
from servers.gitlab.webhooks import signed

NOW = 1_800_000_000.0
KEY = b"0123456789abcdef0123456789abcdef"
TOKEN = f"whsec_{base64.b64encode(KEY).decode()}"
BODY = b'{"object_kind": "push"}'
SIGNED = WebhookSecrets("https://gitlab.example.com", signing_key=KEY)
PLAIN = WebhookSecrets("https://gitlab.example.com", token="t0p-s3cret-and-long")


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_a_signed_request_comes_in():
    """The signature is that of ID, time and body with the key after `whsec_`."""
    headers = lower(signed(BODY, "push", {"signing_token": TOKEN}, at=NOW))

    assert signing_key(TOKEN) == KEY
    assert may_come_in(SIGNED, headers, NOW)
    assert is_genuine(SIGNED, headers, BODY)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_what_is_signed_cannot_be_changed(name: str):
    """Another ID, time, signature or body is refused."""
    headers = lower(signed(BODY, "push", {"signing_token": TOKEN}, at=NOW))
    changed = {
        **headers,
        name: headers[name].replace(headers[name][-2], "0x"[headers[name][-2] == "0"]),
    }

    assert not is_genuine(SIGNED, {**headers, name: ""}, BODY)
    assert not is_genuine(SIGNED, changed, BODY)
    assert not is_genuine(SIGNED, headers, BODY + b" ")


@pytest.mark.parametrize("late", [-301, 301])
def test_a_signed_request_is_good_for_minutes(late: int):
    """What was recorded earlier is refused before its body is read; so is one from the future."""
    headers = lower(signed(BODY, "push", {"signing_token": TOKEN}, at=NOW))

    assert not may_come_in(SIGNED, headers, NOW + late)
    for stamp in ("", "x", "1e9", "-5", "9" * 400):
        assert not may_come_in(SIGNED, {**headers, "webhook-timestamp": stamp}, NOW)


def test_one_of_several_signatures_is_enough():
    """While a token is replaced, GitLab may sign with both; other versions do not count."""
    headers = lower(signed(BODY, "push", {"signing_token": TOKEN}, at=NOW))
    good = headers["webhook-signature"]

    assert is_genuine(SIGNED, {**headers, "webhook-signature": f"v1,AAAA {good}"}, BODY)
    assert not is_genuine(SIGNED, {**headers, "webhook-signature": good.replace("v1", "v2")}, BODY)


def test_a_signing_token_cannot_be_avoided():
    """Where requests are signed, the secret token alone lets nobody in."""
    both = WebhookSecrets("https://gitlab.example.com", token=PLAIN.token, signing_key=KEY)

    assert not may_come_in(both, lower(signed(BODY, "push", {"token": PLAIN.token})), NOW)


def test_the_secret_token_has_to_be_right():
    """Without one, with another one, or with letters that no header holds, nobody comes in."""
    assert may_come_in(PLAIN, {"x-gitlab-token": PLAIN.token}, NOW)
    for given in ("", "wrong", f"{PLAIN.token} ", "\udcff", "ä"):
        assert not may_come_in(PLAIN, {"x-gitlab-token": given}, NOW)
    assert not may_come_in(WebhookSecrets("https://x"), {"x-gitlab-token": ""}, NOW)


@pytest.mark.parametrize("token", ["whsec_", "whsec_!!", "abc", base64.b64encode(KEY).decode()])
def test_a_wrong_signing_token_is_named_and_not_quoted(token: str):
    """The message says what it has to be like."""
    with pytest.raises(SettingsError, match="signing token is not like GitLab's") as caught:
        signing_key(token)

    assert token == "whsec_" or token not in str(caught.value)


def test_a_secret_token_that_can_be_guessed_is_refused():
    """It has at least 16 characters."""
    assert check_token("") == ""
    with pytest.raises(SettingsError, match="less than 16"):
        check_token("short")


def test_secrets_are_not_shown():
    """Neither token is in the representation of the value."""
    assert "s3cret" not in repr(PLAIN)
    assert "0123" not in repr(SIGNED)

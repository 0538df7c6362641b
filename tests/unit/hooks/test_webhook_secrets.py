"""The secrets of webhooks, from a connection."""

from __future__ import annotations

import base64
import json

import pytest

from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.gitlab_api.webhook_signature import WebhookSecrets
from gitlab_ci_provider.hooks.webhook_secrets import KeptSecrets, webhook_secrets

KEY = b"0123456789abcdef0123456789abcdef"
SIGNING = f"whsec_{base64.b64encode(KEY).decode()}"


def connect(monkeypatch: pytest.MonkeyPatch, name: str, kind: str = "gitlab", **extra: str) -> None:
    connection = {"conn_type": kind, "host": "https://gitlab.example.com/", "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))


def test_secrets_are_in_the_extra(monkeypatch: pytest.MonkeyPatch):
    """The signing token becomes its key; the address is that of the server."""
    connect(
        monkeypatch, "hooked", webhook_signing_token=SIGNING, webhook_token="long-enough-secret"
    )

    assert webhook_secrets("hooked") == WebhookSecrets(
        "https://gitlab.example.com", "long-enough-secret", KEY
    )


def test_without_a_secret_there_are_no_webhooks(monkeypatch: pytest.MonkeyPatch):
    """Nor without a connection."""
    connect(monkeypatch, "hooked")

    assert webhook_secrets("hooked") is None
    assert webhook_secrets("none_of_that_name") is None


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("http", {"webhook_token": "long-enough-secret"}),
        ("gitlab", {"webhook_token": "short"}),
        ("gitlab", {"webhook_signing_token": "no-such-thing"}),
    ],
)
def test_a_wrong_connection_is_named(
    monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, str]
):
    """The message quotes no secret."""
    connect(monkeypatch, "hooked", kind, **extra)

    with pytest.raises(SettingsError, match="connection 'hooked'") as caught:
        webhook_secrets("hooked")
    assert not any(secret in str(caught.value) for secret in extra.values())


def test_a_flood_of_requests_asks_once():
    """Only connections that the setting names are read, and each twice a minute at most."""
    asked, now = [], [0.0]

    def read(conn_id: str) -> WebhookSecrets | None:
        asked.append(conn_id)
        return WebhookSecrets("https://x", "s") if conn_id == "a" else None

    kept = KeptSecrets(lambda: ("a", "b"), read, lambda: now[0])

    assert kept.of("a")
    assert kept.of("a")
    assert kept.of("admin_database") is None
    assert kept.any()
    assert asked == ["a"]
    now[0] = 31
    assert kept.of("a")
    assert kept.of("b") is None
    assert asked == ["a", "a", "b"]

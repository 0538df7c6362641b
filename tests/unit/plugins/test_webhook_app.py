"""The address that GitLab's webhooks call."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from gitlab_ci_provider.exceptions import SettingsError, StateError
from gitlab_ci_provider.gitlab_api.webhook_signature import WebhookSecrets
from gitlab_ci_provider.model.webhook_event import WebhookEvent
from gitlab_ci_provider.plugins import webhook_app
from gitlab_ci_provider.plugins.webhook_app import make_app
from servers.gitlab.webhooks import push_event, signed
from servers.gitlab.world import Project

NOW = 1_800_000_000.0
KEY = b"0123456789abcdef0123456789abcdef"
HOOK = {"signing_token": f"whsec_{base64.b64encode(KEY).decode()}"}
TOKEN = {"token": "t0p-s3cret-and-long"}
URL = "https://gitlab.example.com"
BODY = json.dumps(
    push_event(Project(7, "g/app", Path(), Path()), "refs/heads/main", "a" * 40, "b" * 40)
).encode()


@dataclass
class FakeReception:
    """Keeps what was stored."""

    stored: list[WebhookEvent] = field(default_factory=list)
    problem: Exception | None = None

    def secrets(self, conn_id: str) -> WebhookSecrets | None:
        """Know three connections, one of them wrong."""
        if conn_id == "wrong":
            raise SettingsError("connection 'wrong': no host")
        known = {
            "signed": WebhookSecrets(URL, signing_key=KEY),
            "plain": WebhookSecrets(URL, token=TOKEN["token"]),
        }
        return known.get(conn_id)

    def add(self, event: WebhookEvent) -> bool:
        """Store an event."""
        if self.problem:
            raise self.problem
        new = event.id not in [known.id for known in self.stored]
        self.stored += [event] if new else []
        return new

    def now(self) -> float:
        """Stand still."""
        return NOW

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


@pytest.fixture
def reception() -> FakeReception:
    """Make one."""
    return FakeReception()


def post(
    reception: FakeReception, path: str, body: Any, headers: Mapping[str, str], method: str = "POST"
) -> tuple[int, str]:
    """Send a request; return status and words."""
    import httpx

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(reception))
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
            return await client.request(method, path, content=body, headers=dict(headers))

    answer = asyncio.run(ask())
    said = answer.json()
    return answer.status_code, said.get("message", said)


def test_an_event_is_stored_before_the_answer(reception: FakeReception):
    """Signed or with the secret token, each on its connection."""
    for conn_id, hook in (("signed", HOOK), ("plain", TOKEN)):
        headers = signed(BODY, "push", hook, "id-1", NOW)
        assert post(reception, f"/{conn_id}", BODY, headers) == (
            202,
            "push to main of g/app: received",
        )

    assert [event.id for event in reception.stored] == ["signed/id-1", "plain/id-1"]
    assert reception.stored[0].received_at == NOW


def test_a_flood_of_large_bodies_fills_no_memory(reception: FakeReception):
    """Who has no secret can pretend to sign; small events go past those that wait."""
    import httpx

    begun: list[int] = []

    async def flood() -> tuple[int, int]:
        gate, busy = asyncio.Event(), asyncio.Event()

        async def body(number: int) -> AsyncIterator[bytes]:
            begun.append(number)
            if len(begun) == webhook_app._LARGE_AT_ONCE:
                busy.set()
            await gate.wait()
            yield b"x"

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(make_app(reception)), base_url="http://airflow"
        ) as client:
            pretended = {**signed(b"", "push", HOOK, "id-2", NOW), "content-length": "20000000"}
            large = [
                asyncio.create_task(client.post("/signed", content=body(number), headers=pretended))
                for number in range(50)
            ]
            await busy.wait()
            mine = signed(BODY, "push", HOOK, "id-1", NOW)
            small = await client.post("/signed", content=BODY, headers=mine)
            waiting = len(begun)
            gate.set()
            await asyncio.gather(*large)
            return small.status_code, waiting

    assert asyncio.run(flood()) == (202, webhook_app._LARGE_AT_ONCE)


def test_the_same_event_is_taken_once(reception: FakeReception):
    """Sent again, it is answered well: GitLab must not disable the webhook."""
    headers = signed(BODY, "push", HOOK, "id-1", NOW)
    post(reception, "/signed", BODY, headers)

    assert post(reception, "/signed", BODY, headers) == (200, "this event was received before")
    assert len(reception.stored) == 1


@pytest.mark.parametrize(
    ("conn_id", "hook", "change"),
    [
        ("other", HOOK, {}),
        ("wrong", HOOK, {}),
        ("signed", TOKEN, {}),
        ("signed", HOOK, {"webhook-timestamp": str(int(NOW) - 1000)}),
        ("signed", HOOK, {"webhook-id": "id-2"}),
        ("plain", HOOK, {}),
        ("plain", {"token": "another-secret-token"}, {}),
    ],
)
def test_strangers_learn_nothing(
    reception: FakeReception, conn_id: str, hook: dict[str, str], change: dict[str, str]
):
    """No connection, no secret, an old or changed request: one answer for all."""
    headers = signed(BODY, "push", hook, "id-1", NOW) | change

    assert post(reception, f"/{conn_id}", BODY, headers) == (
        401,
        "no such webhook, or not its secret",
    )
    assert not reception.stored


def test_a_stranger_s_body_is_not_read(reception: FakeReception):
    """With a wrong token, not one byte of it."""
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    headers = signed(b"", "push", {"token": "another-secret-token"})
    assert post(reception, "/plain", body(), headers)[0] == 401
    # httpx sends as the application reads.
    assert not read


def test_a_sender_that_goes_away_is_told_of_in_one_line(
    reception: FakeReception, caplog: pytest.LogCaptureFixture
):
    """GitLab waits for ten seconds; the log of a busy API server has no traceback for that."""

    async def body() -> AsyncIterator[bytes]:
        yield BODY[:10]
        raise ClientDisconnect

    headers = signed(BODY, "push", TOKEN, "id-1", NOW)
    assert post(reception, "/plain", body(), headers)[0] == 400
    assert caplog.messages == [
        "webhook: the sender did not wait until its event was read: send it again"
    ]
    assert reception.stored == []


def test_a_body_that_does_not_arrive_is_given_up(
    reception: FakeReception, monkeypatch: pytest.MonkeyPatch
):
    """A sender that begins and never ends holds nothing of the API server for ever."""
    monkeypatch.setattr(webhook_app, "_READ_SECONDS", 0.01)

    async def body() -> AsyncIterator[bytes]:
        yield BODY[:10]
        await asyncio.Event().wait()

    headers = signed(BODY, "push", TOKEN, "id-1", NOW)
    assert post(reception, "/plain", body(), headers)[0] == 408
    assert reception.stored == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_large_body_is_refused(
    reception: FakeReception, monkeypatch: pytest.MonkeyPatch, announced: bool
):
    """By its announced length before it is read, else when it gets too long."""
    monkeypatch.setattr(webhook_app, "MAX_BYTES", 1000)

    async def body() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100

    sent = b" " * 1001 if announced else body()
    status, words = post(reception, "/plain", sent, signed(b"", "push", TOKEN))

    assert (status, words) == (413, "the body has more than 1000 bytes")


def test_an_event_that_cannot_be_stored_is_not_acknowledged(
    reception: FakeReception, caplog: pytest.LogCaptureFixture
):
    """GitLab shows a failed delivery, and the log says what is lost."""
    reception.problem = StateError("the state cannot be read or written: away")

    status, words = post(reception, "/plain", BODY, signed(BODY, "push", TOKEN))

    assert (status, words) == (503, "the event cannot be stored now; send it again")
    assert "push to main of g/app is lost unless GitLab sends it again" in caplog.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"\xff", b'{"a":' * 100_000])
def test_a_body_that_is_not_an_event_is_refused_in_words(reception: FakeReception, body: bytes):
    """Whatever it is."""
    status, words = post(reception, "/plain", body, signed(body, "push", TOKEN))

    assert status == 400
    assert words.startswith("the event cannot be read: ")


def test_an_ignored_event_is_a_good_answer(reception: FakeReception):
    """GitLab disables webhooks whose answers are errors."""
    body = b'{"object_kind": "pipeline"}'

    status, words = post(reception, "/plain", body, signed(body, "pipeline", TOKEN))

    assert (status, words) == (200, "ignored: events of the kind 'pipeline' are not used here")


def test_an_event_without_an_id_is_refused(reception: FakeReception):
    """It could not be told from the same event sent again."""
    status, words = post(reception, "/plain", BODY, {"X-Gitlab-Token": TOKEN["token"]})

    assert status == 400
    assert "has no ID" in words


def test_only_posts_are_answered(reception: FakeReception):
    """There is nothing to see: no pages, no description of the interface."""
    for path in ("/plain", "/docs", "/openapi.json", "/"):
        assert post(reception, path, b"", {}, "GET")[0] in {404, 405}


def test_no_secret_is_in_the_log(reception: FakeReception, caplog: pytest.LogCaptureFixture):
    """Neither of a request that is taken nor of one that is refused."""
    with caplog.at_level(0):
        post(reception, "/plain", BODY, signed(BODY, "push", TOKEN))
        post(reception, "/plain", b"{", signed(b"{", "push", TOKEN))
        post(reception, "/signed", BODY, signed(BODY, "push", TOKEN))

    assert "s3cret" not in caplog.text

"""GitLab's trigger API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from factories import PROJECT
from gitlab_ci_provider.exceptions import SettingsError, StateError
from gitlab_ci_provider.model.project import Project
from gitlab_ci_provider.model.webhook_event import WebhookEvent
from gitlab_ci_provider.plugins import trigger_app
from gitlab_ci_provider.plugins.trigger_app import MAX_BYTES, make_trigger_app

TOKEN = "0123456789abcdef"
PATH = "/projects/group%2Fproject/trigger/pipeline"


@dataclass
class FakeDesk:
    """Knows one project and its token."""

    stored: list[WebhookEvent] = field(default_factory=list)
    problem: Exception | None = None
    full: bool = False

    def project(self, name: str, token: str) -> Project | None:
        """Find it."""
        if self.problem:
            raise self.problem
        return PROJECT if (name, token) == (PROJECT.path, TOKEN) else None

    def add(self, event: WebhookEvent) -> bool:
        """Store an event."""
        if self.full:
            raise StateError("full")
        self.stored.append(event)
        return True

    def run(self, event: WebhookEvent) -> str:
        """Name its run."""
        return f"12-{event.label}-{event.id}"

    def now(self) -> float:
        """Stand still."""
        return 0.0


def post(desk: FakeDesk, path: str = PATH, **given: Any) -> tuple[int, Any]:
    """Send a request; return the answer."""
    import httpx

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(make_trigger_app(desk))
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
            return await client.post(path, **given)

    answer = asyncio.run(ask())
    return answer.status_code, answer.json()


FORM = {"token": TOKEN, "ref": "main", "variables[MODE]": "a=b", "inputs[level]": "full"}


def _part(name: str) -> str:
    """Write a part of a form as curl does."""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{FORM[name]}\r\n'


@pytest.mark.parametrize(
    "given",
    [
        {"data": FORM},
        {"params": {name: value for name, value in FORM.items() if name != "token"},
         "data": {"token": TOKEN}},
        {"json": {"token": TOKEN, "ref": "main", "variables": {"MODE": "a=b"},
                  "inputs": {"level": "full"}}},
        {"content": "".join(map(_part, FORM)) + "--x--\r\n",
         "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ],
)  # fmt: skip
def test_parameters_are_gitlabs(given: dict[str, Any]):
    """As a form of either kind, in the query, or as JSON."""
    desk = FakeDesk()

    status, answer = post(desk, **given)

    assert status == 201, answer
    (event,) = desk.stored
    assert answer["run_id"] == desk.run(event)
    assert (answer["ref"], answer["source"]) == ("main", "trigger")
    assert event.conf == {
        "ref": "main",
        "source": "trigger",
        "variables": {"MODE": "a=b"},
        "inputs": {"level": "full"},
    }
    assert (event.project, event.clone_url) == (PROJECT.path, PROJECT.clone_url)
    assert TOKEN not in repr(event)


@pytest.mark.parametrize(
    ("path", "token"),
    [
        (PATH, "wrong"),
        ("/projects/group%2Fother/trigger/pipeline", TOKEN),
        ("/projects/7/trigger/pipeline", TOKEN),
    ],
)
def test_strangers_learn_nothing(path: str, token: str):
    """A wrong token and a project that is not there have the same answer, which is GitLab's."""
    desk = FakeDesk()

    assert post(desk, path, data={"token": token, "ref": "main"}) == (
        404,
        {"message": "404 Not Found"},
    )
    assert not desk.stored


def test_a_token_in_the_address_is_refused():
    """Addresses are in the logs of each server on the way."""
    status, answer = post(FakeDesk(), params=FORM, data={"ref": "main"})

    assert (status, answer["message"]) == (400, "send the token in the body: addresses are in logs")


def test_wrong_tokens_in_airflow_let_nobody_in(caplog: pytest.LogCaptureFixture):
    """The log says what is wrong."""
    desk = FakeDesk(problem=SettingsError("the Airflow Variable is wrong"))

    assert post(desk, data=FORM)[0] == 404
    assert "the Airflow Variable is wrong" in caplog.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": ""}, "token is missing"),
        ({"ref": ""}, "ref is missing"),
        ({"ref": "a b"}, "not a valid branch or tag name"),
        ({"variables[A B]": "x"}, "key can contain only letters"),
        ({"variable[A]": "x"}, "'variable[A]' is not known"),
    ],
)
def test_a_wrong_parameter_is_named(change: dict[str, str], words: str):
    """Nothing is dropped in silence."""
    status, answer = post(FakeDesk(), data=FORM | change)

    assert status == 400
    assert words in answer["message"]


@pytest.mark.parametrize(
    "given",
    [
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"[]", "headers": {"Content-Type": "application/json"}},
        {"content": b'{"a":' * 100_000, "headers": {"Content-Type": "application/json"}},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        {"data": {f"variables[V{number}]": "x" for number in range(2000)}},
        {"files": {"token": b"x"}},
    ],
)
def test_a_hostile_body_is_refused_in_words(given: dict[str, Any]):
    """Whatever it is."""
    status, answer = post(FakeDesk(), **given)

    assert status == 400
    assert answer["message"]


def test_a_large_body_is_refused():
    """By its length, before it is read."""
    body = json.dumps({"ref": "x" * MAX_BYTES}).encode()

    assert post(FakeDesk(), content=body)[0] == 413


def test_a_body_in_pieces_is_refused():
    """Servers that take both a length and pieces would read as many pieces as there are."""
    pieces = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}

    assert post(FakeDesk(), content=b"{}", headers=pieces)[0] == 413


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch, kind: str):
    """Whoever sends it has shown no token yet."""
    monkeypatch.setattr(trigger_app, "_READ_SECONDS", 0.01)

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"Content-Length": "100", "Content-Type": kind}
    assert post(FakeDesk(), content=body(), headers=headers)[0] == 408


@pytest.mark.parametrize("desk", [FakeDesk(full=True), FakeDesk(problem=StateError("away"))])
def test_a_request_that_cannot_be_stored_is_not_acknowledged(desk: FakeDesk):
    """Nor one whose project cannot be looked up: the script can send it again."""
    assert post(desk, data=FORM)[0] == 503


def test_a_request_can_be_sent_again():
    """With the same key it is the same run."""
    desk = FakeDesk()
    answers = [post(desk, data=FORM, headers={"Idempotency-Key": "k"})[1] for _ in range(2)]

    assert answers[0]["run_id"] == answers[1]["run_id"]
    assert post(desk, data=FORM)[1]["run_id"] != answers[0]["run_id"]

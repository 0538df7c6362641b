"""A registry that answers what no registry should: each answer is told in one line, or left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gitlab_ci_provider.exceptions import RegistryError
from gitlab_ci_provider.hooks import registry_answers
from gitlab_ci_provider.hooks.registry_client import RegistryClient, TaggedImage
from gitlab_ci_provider.image_builds.logins import RegistryLogin
from gitlab_ci_provider.model.image_reference import parse_reference
from servers.serving import serving

TAG = "a" * 64
DIGEST = f"sha256:{TAG}"
TAGS, MANIFEST, BLOB = "/v2/group/cache/tags/list", f"/manifests/{TAG}", f"/blobs/{DIGEST}"
Answers = Callable[["Asked"], None]


class Asked(BaseHTTPRequestHandler):
    """A request, which a test answers."""

    protocol_version = "HTTP/1.1"
    answers: Answers

    def do_GET(self) -> None:
        with suppress(ConnectionError):  # the client has heard enough
            type(self).answers(self)

    def say(self, body: object, status: int = 200, **headers: str) -> None:
        """Answer text as it is, and everything else as JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text.encode())

    def say_forever(self) -> None:
        """Answer without end."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def a_registry(answer: Answers) -> Iterator[str]:
    """Run a registry; gives its host."""

    class Handler(Asked):
        answers = staticmethod(answer)

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"127.0.0.1:{port}"


def listed(answer: Answers) -> list[TaggedImage]:
    """List what a registry has."""
    with a_registry(answer) as host:
        name = parse_reference(f"{host}/group/cache")
        assert name is not None
        logins = [RegistryLogin(scope=host, username="robot", password="s3cret")]
        with RegistryClient(name, logins, insecure=True) as client:
            return list(client.images())


def usual(asked: Asked, **others: object) -> None:
    """Answer as a registry does, but for some parts."""
    if asked.path.startswith(TAGS):
        asked.say(others.get("tags", {"tags": [TAG]}))
    elif asked.path.endswith(MANIFEST):
        given = str(others.get("digest", DIGEST))
        manifest = others.get("manifest", {"config": {"digest": DIGEST}})
        asked.say(manifest, Docker_Content_Digest=given)
    else:
        asked.say(others.get("blob", {"created": "2020-01-01T00:00:00Z"}))


def test_what_a_registry_usually_says():
    """The others differ from it in one part each."""
    (image,) = listed(usual)

    assert (image.tag, image.digest) == (TAG, DIGEST)
    assert image.created is not None
    assert image.created.year == 2020


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("tags", "<html>"),
        ("tags", [TAG]),
        ("tags", "[" * 100_000),
        ("manifest", "null"),
        ("blob", "\x00"),
    ],
)
def test_an_answer_that_is_no_json_object_is_told(part: str, text: object):
    """With the address that gave it."""
    with pytest.raises(RegistryError, match=r"GET http://.*: the registry answers no JSON object"):
        listed(lambda asked: usual(asked, **{part: text}))


@pytest.mark.parametrize(
    ("part", "value", "found"),
    [
        ("tags", {"tags": None}, []),
        ("tags", {"tags": "abc"}, []),
        ("tags", {"tags": [1, None, "../../other/manifests/x", "-a", ""]}, []),
        ("digest", "../../other/manifests/latest", [("", 2020)]),
        ("manifest", {"config": None}, [(DIGEST, None)]),
        ("manifest", {"config": {"digest": "../../x"}}, [(DIGEST, None)]),
        ("blob", {"created": ["2020"]}, [(DIGEST, None)]),
    ],
)
def test_what_names_nothing_of_the_repository_is_left_out(
    part: str, value: object, found: list[tuple[str, int | None]]
):
    """Neither a tag nor a digest leads to another path; what has no date stays without one."""
    images = listed(lambda asked: usual(asked, **{part: value}))

    seen = [(image.digest, image.created.year if image.created else None) for image in images]
    assert seen == found


def test_pages_that_bring_nothing_new_end_the_list():
    """A registry whose next page is always the same one is asked twice, not for ever."""
    pages: list[str] = []

    def answer(asked: Asked) -> None:
        if asked.path.startswith(TAGS):
            pages.append(asked.path)
            asked.say({"tags": [TAG]}, Link=f'<{TAGS}?n=1>; rel="next"')
        else:
            usual(asked)

    assert len(listed(answer)) == 1
    assert len(pages) == 2


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """Nothing larger than the limit comes into memory."""
    monkeypatch.setattr(registry_answers, "LARGEST", 100_000)

    with pytest.raises(RegistryError, match="the answer is larger than 100000 bytes"):
        listed(Asked.say_forever)


def test_a_slow_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """The limit is for the whole answer: a byte now and then does not keep a task waiting."""
    monkeypatch.setattr(registry_answers, "SECONDS", 0)

    with pytest.raises(RegistryError, match="the answer takes more than 0 s"):
        listed(Asked.say_forever)


def test_a_redirect_is_followed_once_without_the_login():
    """A store of blobs gets no login; its signed address is in no message."""
    shown: list[str | None] = []

    def store(asked: Asked) -> None:
        shown.append(asked.headers.get("Authorization"))
        asked.say("", 307, Location="/again?signature=s1gned")

    with a_registry(store) as elsewhere:

        def answer(asked: Asked) -> None:
            if not asked.headers.get("Authorization"):
                asked.say("", 401, WWW_Authenticate="Basic")
            elif BLOB in asked.path:
                asked.say("", 307, Location=f"http://{elsewhere}/blob?signature=s1gned")
            else:
                usual(asked)

        with pytest.raises(RegistryError, match=rf"GET http://{elsewhere}/blob: 307") as problem:
            listed(answer)

    assert shown == [None]
    assert "s1gned" not in str(problem.value)


@pytest.mark.parametrize(
    "challenge",
    [
        'Bearer realm="file:///etc/passwd"',
        'Bearer realm="http://["',
        'Bearer realm="http://127.0.0.1:1/token"',
        "Bearer",
    ],
)
def test_a_login_goes_to_no_server_of_another_kind(challenge: str):
    """A challenge that cannot be followed is told; the login is in no message."""
    with pytest.raises(RegistryError) as problem:
        listed(lambda asked: asked.say("", 401, WWW_Authenticate=challenge))

    assert "s3cret" not in str(problem.value)

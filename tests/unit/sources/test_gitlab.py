"""Files of other projects through GitLab's API, against a small stand-in for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.sources.gitlab import GitlabElsewhere, newest

SHA = "c" * 40
PROJECT = "/api/v4/projects/group/other"
ANSWERS: dict[str, object] = {
    PROJECT: {"id": 5, "path_with_namespace": "group/other", "default_branch": "main"},
    "/api/v4/projects/5/repository/commits/main": {"id": SHA},
    "/api/v4/projects/5/repository/commits/1.2.10": {"id": "d" * 40},
    "/api/v4/projects/5/releases": [{"tag_name": "1.2.9"}, {"tag_name": "1.2.10"}],
    "/api/v4/projects/5/repository/tree": [
        {"path": "ci", "type": "tree"},
        {"path": "ci/a.yml", "type": "blob"},
    ],
    "/api/v4/projects/5/repository/files/ci/a.yml/raw": b"job: {script: x}\n",
}


class _Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer what the table holds; anything else is not there."""
        path = unquote(urlsplit(self.path).path)
        if path.endswith("/broken"):
            self._send(500, {"message": "oh no"})
        elif self.headers.get("PRIVATE-TOKEN") != "secret":
            self._send(404, {"message": "404 Project Not Found"})
        else:
            known = path in ANSWERS
            self._send(200 if known else 404, ANSWERS.get(path, {"message": "404 Not Found"}))

    def _send(self, status: int, answer: object) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay quiet."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the stand-in."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


def test_files_of_a_project(url: str):
    """A project at its default branch gives files and their list, pinned to a commit."""
    found = GitlabElsewhere(url, "secret").project("group/other", None)
    assert found

    assert found.sha == SHA
    assert found.files.read("ci/a.yml") == b"job: {script: x}\n"
    assert found.files.read("absent.yml") is None
    assert found.files.paths() == ("ci/a.yml",)


@pytest.mark.parametrize("ref", ["~latest", "1", "1.2", "1.2.10"])
def test_versions_are_releases(url: str, ref: str):
    """Partial versions mean the newest release that fits; numbers are compared as numbers."""
    found = GitlabElsewhere(url, "secret").project("group/other", ref)
    assert found

    assert (found.sha, found.version) == ("d" * 40, "1.2.10")


@pytest.mark.parametrize(("token", "project"), [("", "group/other"), ("secret", "group/nobody")])
def test_what_must_not_be_read_is_not_there(url: str, token: str, project: str):
    """Without access a project looks absent."""
    assert GitlabElsewhere(url, token).project(project, None) is None


def test_failing_server_is_an_error(url: str):
    """An answer that is neither yes nor no is told."""
    with pytest.raises(SourceError, match="500"):
        GitlabElsewhere(url, "secret").project("broken", None)


def test_unreachable_server_is_an_error():
    """Neither address nor token is in the message."""
    with pytest.raises(SourceError, match="cannot reach GitLab") as failed:
        GitlabElsewhere("http://127.0.0.1:1", "secret").project("group/other", None)

    assert "secret" not in str(failed.value)


def test_without_a_server_the_flag_is_named():
    """The message names the missing flag."""
    with pytest.raises(SourceError, match="--gitlab-url"):
        GitlabElsewhere("").project("group/other", None)


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [("~latest", "v2.0.0"), ("1", "1.10.0"), ("1.9", "1.9.3"), ("3", ""), ("1.9.3", "1.9.3")],
)
def test_newest_release(wanted: str, tag: str):
    """Only full semantic versions count."""
    assert newest(["1.9.3", "1.10.0", "v2.0.0", "2.1", "nightly"], wanted) == tag

"""The client of GitLab's API, against a stand-in for GitLab that has bad days."""

from __future__ import annotations

import base64
import logging
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import GitlabApiError, SettingsError
from gitlab_ci_provider.gitlab_api import limits, session
from gitlab_ci_provider.gitlab_api.client import open_gitlab
from gitlab_ci_provider.gitlab_api.errors import in_words
from gitlab_ci_provider.gitlab_api.report import examine
from gitlab_ci_provider.gitlab_api.server import GitLabServer, Tls, TokenKind
from servers.gitlab.faults import Fault, limit
from servers.gitlab.server import GitLab, gitlab_server

pytestmark = pytest.mark.integration

TOKEN = "glpat-do.not_show"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[GitLab]:
    """A server with one project."""
    with gitlab_server(tmp_path / "gitlab") as running:
        running.world.add_project("group/shop", {"a.txt": "a"})
        running.world.add_token(TOKEN, levels={"group": 40}, expires_at="2030-01-02")
        yield running


def at(served: GitLab, **given: Any) -> GitLabServer:
    return GitLabServer(**{"url": served.url, "token": TOKEN, **given})


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TokenKind.PERSONAL, TOKEN),
        (TokenKind.GROUP, "glpat-of-group"),
        (TokenKind.PROJECT, "glpat-of-project"),
        (TokenKind.OAUTH, "gloas-of-app"),
    ],
)
def test_each_kind_of_token_is_accepted(served: GitLab, kind: TokenKind, value: str):
    """In the header that GitLab wants for it."""
    if value != TOKEN:
        served.world.add_token(value, kind=kind.value, levels={"group": 40})

    client = open_gitlab(at(served, token=value, kind=kind))

    assert client.projects.get("group/shop").path == "shop"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, times=2),
        Fault(status=503),
        Fault(cut=3),
        Fault(refuse=True),
        limit(seconds="0"),
        Fault(status=409, body={"message": "x"}, times=0),
    ],
    ids=["500 twice", "503", "cut", "hung up", "limit", "none"],
)
def test_reading_survives_a_bad_moment(served: GitLab, fault: Fault):
    """What fails for a moment is asked again."""
    served.faults.order(fault)

    assert open_gitlab(at(served)).projects.get("group/shop").path == "shop"


@pytest.mark.parametrize(
    ("fault", "sent"),
    [(Fault("POST", status=500), 1), (Fault("POST", refuse=True), 1), (limit("POST", 2, "0"), 3)],
    ids=["500", "hung up", "limit"],
)
def test_what_creates_is_sent_twice_only_if_it_was_refused(served: GitLab, fault: Fault, sent: int):
    """After an error or silence it may exist; a rate limit says that it does not."""
    served.faults.order(fault)
    server = at(served)

    def create() -> str:
        try:
            with in_words(server, "create a hook"):
                project = open_gitlab(server).projects.get("group/shop", lazy=True)
                project.hooks.create({"url": "https://example.com"})
        except GitlabApiError:
            return "failed"
        return "created"

    assert create() == ("created" if sent > 1 else "failed")
    assert sum(request.startswith("POST") for request in served.requests) == sent


def test_long_lists_are_read_by_keyset(served: GitLab):
    """A cut connection between two pages loses nothing."""
    for number in range(7):
        served.world.add_project(f"group/p{number}")
    served.faults.order(Fault("id_after", cut=20))

    found = open_gitlab(at(served)).projects.list(
        iterator=True, pagination="keyset", order_by="id", sort="asc", per_page=3
    )

    assert [one.path for one in found] == ["shop", *(f"p{number}" for number in range(7))]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(status=401), "does not accept the token"),
        (Fault(status=403), "needs a higher role"),
        (Fault(status=404), "it is not there, or the token may not see it"),
        (limit(times=-1), "limits the number of requests"),
        (Fault(status=500, times=-1), r"has failed \(500: 500 on order\)"),
        (Fault(refuse=True, times=-1), "does not answer"),
        (Fault(status=200, body=b"<html>login"), "is the address that of a GitLab"),
        (Fault(status=301, headers={"Location": "/"}), "redirects"),
    ],
    ids=["401", "403", "404", "429", "500", "hung up", "html", "301"],
)
def test_failures_are_told_in_words(served: GitLab, fault: Fault, words: str):
    """What failed, where, why, and what to do."""
    served.faults.order(fault)
    server = at(served, patience=0)

    with pytest.raises(GitlabApiError, match=words) as failed, in_words(server, "list the hooks"):
        open_gitlab(server).http_post("/projects") if fault.status == 301 else open_gitlab(
            server
        ).http_list("/projects/1/hooks", iterator=True)

    assert str(failed.value).startswith(f"cannot list the hooks: GitLab at {served.url} ")


class Spy(logging.Handler):
    """Keeps each line of every log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.exc_info}")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All that is logged, whatever Airflow has made of the loggers before."""
    spy = Spy()
    loggers = [logging.getLogger(name) for name in ("", "urllib3", "urllib3.connectionpool")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        monkeypatch.setattr(logger, "disabled", False)
        logger.setLevel(logging.DEBUG)
        logger.addHandler(spy)
    yield spy.lines
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(spy)
        logger.setLevel(level)


ECHOES = [
    Fault(echo=True, status=400, times=-1),
    Fault(echo=True, status=401, times=-1),
    Fault(echo=True, status=500, times=-1),
    Fault(status=403, times=-1, body=f"no, {TOKEN}".encode()),
    Fault(status=302, times=-1, headers={"Location": f"/api/v4/x?y={TOKEN}"}),
    Fault(status=302, times=-1, headers={"Location": f"http://{TOKEN.replace('/', '')}:1/"}),
    Fault(status=200, times=-1, body=[{}],
          headers={"Link": f'<http://127.0.0.1:1/api/v4/x?y={TOKEN}>; rel="next"'}),
]  # fmt: skip


@pytest.mark.parametrize("fault", ECHOES)
@pytest.mark.parametrize("kind", [TokenKind.PERSONAL, TokenKind.OAUTH])
def test_no_token_in_exceptions_and_logs(
    served: GitLab, fault: Fault, kind: TokenKind, logged: list[str]
):
    """A server that says the token in every place cannot make us say it."""
    served.faults.order(fault)
    client = open_gitlab(at(served, kind=kind, patience=0.01))

    def ask(do: Any) -> BaseException | None:
        try:
            list(do())
        except Exception as problem:  # noqa: BLE001 - whatever it is must not hold the token
            return problem
        return None

    for do in (
        lambda: client.http_list("/projects", iterator=True),
        lambda: client.http_post("/projects", post_data={"a": "b"}),
    ):
        problem = ask(do)
        while problem is not None:
            shown = [str(problem), repr(problem), repr(vars(problem)), repr(problem.args)]
            shown += traceback.format_exception(problem)
            assert not any(TOKEN in text for text in shown)
            problem = problem.__cause__ or problem.__context__
    assert logged
    assert not any(TOKEN in line for line in logged)


def test_no_other_server_is_asked(served: GitLab, tmp_path: Path):
    """Neither by a redirect, nor for a next page: it may be one that only this network reaches."""
    with gitlab_server(tmp_path / "other") as other:
        away = f"{other.url}/api/v4/projects"
        served.faults.order(Fault("redirected", status=302, headers={"Location": away}))
        following = {"Link": f'<{other.url}/elsewhere?page=2>; rel="next"'}
        served.faults.order(Fault("paged", status=200, body=[{}], headers=following))
        client = open_gitlab(at(served))

        with pytest.raises(GitlabApiError, match="not its own"), in_words(at(served), "look"):
            client.http_get("/redirected")
        with pytest.raises(GitlabApiError, match="not its own"), in_words(at(served), "page"):
            list(client.http_list("/paged", iterator=True))

        assert other.requests == []


def test_an_answer_without_end_is_given_up(served: GitLab, monkeypatch: pytest.MonkeyPatch):
    """A server can send more than a worker has memory."""
    monkeypatch.setattr(session, "_MOST_BYTES", 1000)
    served.faults.order(Fault("huge", status=200, body=b"x" * 1001))

    with pytest.raises(GitlabApiError, match="more than 1000 bytes"), in_words(at(served), "look"):
        open_gitlab(at(served, patience=0)).http_get("/huge", raw=True)


@pytest.mark.parametrize("part", ["head", "body"])
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_an_answer_byte_by_byte_is_given_up(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch, part: str, tls: bool
):
    """Each byte would begin a new timeout of the connection; the process would wait for ever."""
    monkeypatch.setattr(session, "_ANSWER_SECONDS", 0.3)
    with gitlab_server(tmp_path / "gitlab", certificate if tls else None) as served:
        served.faults.order(Fault("slow", drip=part))
        server = at(served, patience=0, ca_file=str(certificate))

        with pytest.raises(GitlabApiError, match="took longer than"), in_words(server, "look"):
            open_gitlab(server).http_get("/slow")


def test_a_list_without_end_is_given_up(
    served: GitLab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """One page always names the next one; before that, the log says how far it is."""
    monkeypatch.setattr(limits, "MOST_PAGES", 120)
    following = {"Link": f'<{served.url}/api/v4/endless?page=2>; rel="next"'}
    served.faults.order(Fault("endless", -1, status=200, body=[{}], headers=following))
    caplog.set_level(logging.INFO)

    with pytest.raises(GitlabApiError, match="not ended after 120 p"), in_words(at(served), "look"):
        list(open_gitlab(at(served)).http_list("/endless", iterator=True))

    assert f"GitLab at {served.url}: 100 pages of a list so far" in caplog.messages


def test_pages_of_lists_that_end_are_not_added_up(served: GitLab, monkeypatch: pytest.MonkeyPatch):
    """A client may read any number of lists."""
    monkeypatch.setattr(limits, "MOST_PAGES", 3)
    for number in range(3):
        served.world.add_project(f"group/p{number}", {"a": "a"})
    client = open_gitlab(at(served))

    for _ in range(3):
        found = client.groups.get("group", lazy=True).projects
        assert len(list(found.list(iterator=True, per_page=2))) == 4


def test_the_login_of_the_machine_is_not_sent(
    served: GitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without a token nobody logs in, whatever ~/.netrc holds."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password machine-login\n")
    monkeypatch.setenv("NETRC", str(netrc))
    served.world.projects["group/shop"].visibility = "public"

    assert open_gitlab(at(served, token="")).projects.get("group/shop").path == "shop"
    assert "Authorization" not in served.headers[-1]


def test_a_proxy_is_used_and_its_login_hidden(served: GitLab):
    """Requests go through the proxy of the connection; its login is in no message."""
    proxy = served.url.replace("//", "//me:pass-word@")
    server = at(served, url="http://gitlab.invalid", proxy=proxy)

    assert open_gitlab(server).projects.get("group/shop").path == "shop"
    assert served.proxied
    wanted = base64.b64encode(b"me:pass-word").decode()
    assert served.headers[-1]["Proxy-Authorization"] == f"Basic {wanted}"

    away = at(served, proxy="http://me:pass-word@127.0.0.1:1", patience=0)
    with pytest.raises(GitlabApiError, match="through the proxy") as failed, in_words(away, "ask"):
        open_gitlab(away).projects.get("group/shop")
    assert "pass-word" not in str(failed.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody else trusts, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gitlab"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", file], check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


def test_certificates_are_checked(tmp_path: Path, certificate: Path):
    """One that is not trusted is refused, and the message names the field that helps."""
    with gitlab_server(tmp_path / "tls", certificate) as secured:
        secured.world.add_token(TOKEN, levels={"group": 40})
        server = at(secured)

        with pytest.raises(GitlabApiError, match=r"not trusted \(self-signed.*`ca_file`"):
            examine(server)

        assert examine(at(secured, ca_file=str(certificate))).usable
        unchecked = examine(at(secured, tls=Tls.ANY_CERTIFICATE))
        assert "certificates are not checked" in str(unchecked)
        with pytest.raises(SettingsError, match=r"there is no file '/nowhere\.pem'"):
            examine(at(secured, ca_file="/nowhere.pem"))


def test_a_report_says_who_the_token_is(served: GitLab):
    """Version, user, kind, scopes and expiry."""
    said = str(examine(at(served)))

    assert f"GitLab 19.5.0-ee at {served.url}: personal token of robot. Scopes: api." in said
    assert "Expires 2030-01-02." in said


def test_a_report_says_what_is_missing(served: GitLab):
    """Scopes by what they are needed for, the end that is near, and another kind than said."""
    bot = {"kind": "group", "user": "group_7_bot_0a", "expires_at": "2001-02-03"}
    served.world.add_token("glpat-other", scopes=("read_user",), **bot)

    report = examine(at(served, token="glpat-other"))

    assert not report.usable
    said = str(report)
    for words in ("group token of group_7_bot_0a", "scope read_api or api", "nothing can be",
                  "repositories cannot be fetched", "expires in -", "calls it a personal token",
                  "not encrypted"):  # fmt: skip
        assert words in said


def test_a_page_of_html_is_not_gitlabs(served: GitLab):
    """Login pages and other servers answer 200, too."""
    served.faults.order(Fault(status=200, body=b"<html>Sign in</html>"))

    with pytest.raises(GitlabApiError, match="is the address that of a GitLab"):
        examine(at(served))


def test_without_a_token_the_report_says_so(served: GitLab):
    """Only what is public can be read then."""
    assert "only public projects" in str(examine(at(served, token="")))


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ({"kind": "oauth", "scopes": ("read_api",)}, "oauth token of robot. Scopes: read_api."),
        ({"kind": "job"}, "job token of the job 'test'"),
    ],
)
def test_other_kinds_are_reported(served: GitLab, token: dict[str, Any], words: str):
    """GitLab describes each kind in another place."""
    served.world.add_token("glpat-other", **token)

    assert words in str(examine(at(served, token="glpat-other", kind=TokenKind(token["kind"]))))


@pytest.mark.parametrize(
    ("state", "words"),
    [({"revoked": True}, "it is revoked"), ({"expired": True}, "it is expired"),
     ({"kind": "oauth"}, "not of the kind 'personal'")],
)  # fmt: skip
def test_a_token_that_is_not_accepted_is_told_why(
    served: GitLab, state: dict[str, Any], words: str
):
    """Revoked, expired, or of another kind."""
    served.world.add_token("glpat-other", **state)

    with pytest.raises(GitlabApiError, match=words):
        examine(at(served, token="glpat-other"))

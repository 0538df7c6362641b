"""Requests to an Airflow that is slow, broken, restarting or gone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.airflow_api.session import Access, RetryPolicy, Session
from gitlab_ci_provider.exceptions import AirflowApiError
from servers.fake_airflow import Answer, answering

LOGIN = Answer(body={"access_token": "token"})
ALIVE = RetryPolicy(alive=lambda: True)

PASSING = [
    Answer(0),
    Answer(500, {"detail": "(sqlite3.OperationalError) database is locked"}),
    Answer(502, b"<html>bad gateway</html>", "text/html"),
    Answer(503),
    Answer(429),
    Answer(200, b"<html>please wait</html>", "text/html"),
]


class Script:
    """Answers each request with the next of a list, the last one again and again."""

    def __init__(self, *answers: Answer):
        self.left = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        if path == "/auth/token":
            return LOGIN
        self.asked.append((method, path, body))
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


@pytest.mark.parametrize("failure", PASSING, ids=lambda one: str(one.status))
@pytest.mark.parametrize("method", ["GET", "PATCH", "POST"])
def test_what_may_pass_is_asked_again(failure: Answer, method: str):
    """A broken connection, a server error or a body that is not valid JSON is retried."""
    script = Script(failure, failure, Answer(body={"state": "running"}))
    with answering(script) as url:
        answer = Session(Access(url=url), ALIVE).request(method, "/dags/x")

    assert answer == {"state": "running"}
    assert len(script.asked) == 3


def test_the_login_is_asked_for_again_too():
    """An API server that has just started may fail its first request."""
    answers = iter([Answer(500), Answer(0), LOGIN, Answer(body={"it": "works"})])
    with answering(lambda *_: next(answers)) as url:
        assert Session(Access(url=url), ALIVE).request("GET", "/x") == {"it": "works"}


def test_an_airflow_that_has_gone_is_not_asked_forever():
    """When nobody is left to answer, that is said in one sentence."""
    alive = iter([True, True, False])
    with (
        answering(Script(Answer(500, {"detail": "no"}))) as url,
        pytest.raises(AirflowApiError, match="does not answer: 500 no"),
    ):
        Session(Access(url=url), RetryPolicy(alive=lambda: next(alive))).request("GET", "/x")


def test_patience_has_an_end():
    """An Airflow that only fails for longer than our patience is given up, though it lives."""
    patience = RetryPolicy(alive=lambda: True, seconds=0)
    with (
        answering(Script(Answer(500))) as url,
        pytest.raises(AirflowApiError, match="does not answer"),
    ):
        Session(Access(url=url), patience).request("GET", "/x")


def test_a_refusal_is_final_and_in_airflows_words():
    """What Airflow has understood and refused is not asked again."""
    script = Script(Answer(400, {"detail": "no such state"}))
    with answering(script) as url, pytest.raises(AirflowApiError, match="400 no such state"):
        Session(Access(url=url), ALIVE).request("PATCH", "/x")

    assert len(script.asked) == 1


def test_what_is_not_there_is_none():
    """A missing XCom is not an error; a failing server does not count as a missing XCom."""
    with answering(Script(Answer(503), Answer(404, {"detail": "not found"}))) as url:
        assert AirflowApi(Access(url=url), ALIVE).xcom("dag", "run", "task", "key") is None


def test_a_login_that_has_expired_is_renewed():
    """A pipeline may take longer than a login lasts."""
    script = Script(Answer(401), Answer(body={"still": "here"}))
    with answering(script) as url:
        assert Session(Access(url=url), ALIVE).request("GET", "/x") == {"still": "here"}


def test_a_download_renews_a_login_that_has_expired():
    """As every request; a token that a person gave cannot be renewed."""
    with answering(Script(Answer(401), Answer(body={"still": "here"}))) as url:
        into = io.BytesIO()
        Session(Access(url=url), ALIVE).save("/file", into)
        assert into.getvalue() == b'{"still": "here"}'
    with answering(Script(Answer(401))) as url, pytest.raises(AirflowApiError, match="401"):
        Session(Access(url=url, token="given"), ALIVE).save("/file", io.BytesIO())


def test_a_lost_answer_starts_no_second_run():
    """The id of a run is chosen before it is asked for: the same one the second time."""
    named = Answer(body={"run_id": "12-x", "note": "Pipeline for x"})
    exists = Answer(409, {"detail": "already exists"})
    script = Script(named, Answer(0), exists)
    with answering(script) as url:
        run = AirflowApi(Access(url=url), ALIVE).trigger("dag", {"ref": "feature/x"})

    assert [body["dag_run_id"] for _, _, body in script.asked[1:]] == [run, run] == ["12-x"] * 2
    assert script.asked[-1][2]["note"] == "Pipeline for x"


@pytest.mark.parametrize("answer", [Answer(405), Answer(body={"run_id": ""}), Answer(body=[])])
def test_an_airflow_that_knows_no_number_gets_another_id(answer: Answer):
    """One without the pipeline page, or one that does not reach its state."""
    with answering(Script(answer, Answer(body={}))) as url:
        run = AirflowApi(Access(url=url), ALIVE).trigger("dag", {"ref": "feature/x"})

    assert run.startswith("feature-x-")


def states(*given: str) -> Iterator[Answer]:
    for state in given:
        yield Answer(body={})
        yield Answer(body={"state": state})


def test_a_run_that_was_stopped_is_looked_at_again():
    """The scheduler may overrule the mark at the same moment; then it is marked again."""
    script = Script(*states("success", "running", "failed"))
    with answering(script) as url:
        assert AirflowApi(Access(url=url), ALIVE).stop_run("dag", "run") == "failed"

    assert [method for method, _, _ in script.asked].count("PATCH") == 3


@pytest.mark.parametrize("url", ["http://[", "nothing", "http://127.0.0.1:9"])
def test_a_wrong_address_is_said_at_once(url: str):
    """Nobody waits for an Airflow of which only the address is known, and that is wrong."""
    with pytest.raises(AirflowApiError):
        Session(Access(url=url, token="t"), RetryPolicy()).request("GET", "/x")


def test_lists_longer_than_a_page_are_read_whole():
    """Airflow sends at most a hundred entries at once, whatever a client asks for."""
    runs = [{"dag_run_id": f"run-{number}"} for number in range(250)]

    def answer(_method: str, path: str, _body: object) -> Answer:
        if path == "/auth/token":
            return LOGIN
        query = parse_qs(urlsplit(path).query)
        begin, limit = int(query["offset"][0]), min(int(query["limit"][0]), 100)
        page = runs[begin : begin + limit]
        return Answer(body={"dag_runs": page, "total_entries": len(runs)})

    with answering(answer) as url:
        found = AirflowApi(Access(url=url), ALIVE).open_runs("shop")

    assert found == [run["dag_run_id"] for run in runs]


def test_an_unknown_dag_has_no_open_runs():
    """A repository whose DAG Airflow has not read yet can be removed."""
    with answering(lambda _, path, __: LOGIN if path == "/auth/token" else Answer(404)) as url:
        assert AirflowApi(Access(url=url), ALIVE).open_runs("shop") == []

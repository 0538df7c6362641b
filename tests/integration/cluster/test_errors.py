"""Requests of all sorts, good and bad, are answered as a real API server answered them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from integration.cluster.support import RECORDED, Api, Cluster, recording, shared_folder

SKIPPED = {
    "forbidden": "there is one user, who may do all",
    "anonymous_version": "is another program, see test_kubectl",
    "anonymous_403": "without a token nothing is listed; the message says so in other words",
    "sa_forbidden": "there are no users for service accounts",
    "priorityclass_missing_403": "there are no priority classes",
    "quota": "there are no quotas",
    "limitrange": "there are no limit ranges",
    "podsecurity": "there is no pod security admission",
    "ssar": "there is no authorization to review",
    "ssrr": "there is no authorization to review",
    "selfsubjectreview": "there is no authorization to review",
    "token_request": "there are no tokens for service accounts",
    "binding_409": "there is no other scheduler",
    "events_k8s_io": "events are served by group v1 alone",
    "apply_conflict_409": "applying never conflicts: there is one manager",
    "accept_yaml": "has managed fields, which are not kept here",
    "unauthorized_401": "needs another token, see test_wrong_token_is_refused",
    "too_large_413": "the recording lacks the body, see test_bodies_have_the_recorded_limits",
    "large_1_6MB_pod": "the recording lacks the body, see test_bodies_have_the_recorded_limits",
    "secret_too_big": "the recording lacks the body, see test_bodies_have_the_recorded_limits",
    "finalizer_remove": "the recording lacks how the object came to be",
    "ns_terminating": "the recording lacks how the namespace came to be",
    "ns_delete": "the recording lacks how the namespace came to be",
    "put_conflict_409": "names a version of the recorded cluster",
    "immutable_field_422": "ends with a diff of Go values, see test_pod_specs_are_immutable",
    "delete_precondition_rv_409": "names versions of the recorded cluster",
    "patch_rv_conflict_409": "names a version of the recorded cluster",
}
"""Beginnings of names, and why they are left out."""

FREE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}")


def compared_cases() -> dict[str, Any]:
    """List the cases that are compared, in the order of the recording."""
    try:
        cases = recording("errors_and_objects.json")
    except pytest.skip.Exception:
        return {}
    return {
        name: case
        for name, case in cases.items()
        if not any(name.startswith(prefix) for prefix in SKIPPED)
    }


CASES = compared_cases()


@pytest.fixture(scope="module")
def answers(cluster: Cluster):
    """All requests, sent in the recorded order, with the answers."""
    shared_folder()
    api = cluster.api()
    api.namespace = "recerr"
    api.http.post("/api/v1/namespaces", json={"metadata": {"name": "recerr"}})
    yield {name: _send(api, case["request"]) for name, case in CASES.items()}
    api.http.delete("/api/v1/namespaces/recerr")
    api.close()


def _send(api: Api, request: dict[str, Any]) -> Any:
    headers = {
        key: value for key, value in request["headers"].items() if key in {"Accept", "Content-Type"}
    }
    body = request["body"]
    content = body if isinstance(body, str) else None if body is None else json.dumps(body)
    return api.http.request(request["method"], request["path"], content=content, headers=headers)


@RECORDED
@pytest.mark.parametrize("name", CASES)
def test_answer_is_the_recorded_one(answers: dict[str, Any], name: str):
    """Status code, type, warnings and, for failures, the whole body are the same."""
    case, answer = CASES[name], answers[name]
    wanted = case["headers"]

    assert answer.status_code == case["status"], answer.text
    assert answer.headers.get("Warning") == wanted.get("Warning")
    assert answer.headers["Content-Type"] == wanted["Content-Type"]
    if answer.status_code >= 400:
        assert _comparable(_body(answer)) == _comparable(case["body"])
    elif isinstance(case["body"], dict):
        assert answer.json()["kind"] == case["body"]["kind"]


def _body(answer: Any) -> Any:
    if answer.headers["Content-Type"].startswith("application/json"):
        return answer.json()
    return answer.text


def _comparable(body: Any) -> str:
    return FREE.sub("UID", json.dumps(body, sort_keys=True))


def selector_cases() -> dict[str, Any]:
    """List the recorded selectors."""
    try:
        return recording("selectors.json")
    except pytest.skip.Exception:
        return {}


SELECTORS = selector_cases()


@RECORDED
@pytest.mark.parametrize("name", [name for name in SELECTORS if " " in name])
def test_selectors_are_understood_and_refused_as_recorded(api: Api, name: str):
    """A selector that a real server refuses is refused in the same words; others are taken."""
    case = SELECTORS[name]
    plural = "events" if name.startswith("events ") else "pods"
    parameter, _, text = name.removeprefix("events ").partition(" ")

    answer = api.http.get(api.path(plural), params={parameter: text})

    assert answer.status_code == case["status"]
    if case["error"]:
        assert answer.json() == case["error"]


def test_label_selectors_select(api: Api):
    """Equality, sets, existence and comparison select as documented."""
    for name, labels in {"one": {"a": "1"}, "two": {"a": "2", "b": ""}, "none": {}}.items():
        metadata = {"name": name, "labels": labels}
        api.create("configmaps", {"metadata": metadata})

    def selected(text: str) -> list[str]:
        return api.names("configmaps", labelSelector=text)

    assert selected("a=1") == ["one"]
    assert selected("a!=1") == ["none", "two"]
    assert selected("a in (1,2),b") == ["two"]
    assert selected("a notin (1)") == ["none", "two"]
    assert selected("!a") == ["none"]
    assert selected("a>1") == ["two"]


def test_wrong_token_is_refused(api: Api):
    """Another token gives 401, none gives 403; health and version are for all."""
    wrong = {"Authorization": "Bearer nonsense"}

    refused = api.http.get("/api/v1/pods", headers=wrong)

    assert refused.status_code == 401
    assert refused.json()["reason"] == "Unauthorized"
    assert api.http.get("/api/v1/pods", headers={"Authorization": ""}).status_code == 403
    assert api.http.get("/readyz", headers={"Authorization": ""}).text == "ok"


@RECORDED
def test_bodies_have_the_recorded_limits(api: Api):
    """3 MiB for a request, 1.5 MiB for an object, 1 MiB for a Secret."""
    too_long = api.http.post(api.path("configmaps"), content=b" " * (3 << 20) + b"{}")
    too_large = api.http.post(
        api.path("configmaps"), json={"metadata": {"name": "a"}, "data": {"a": "x" * (1600 << 10)}}
    )
    secret = {"metadata": {"name": "s"}, "stringData": {"a": "x" * (1100 << 10)}}
    too_secret = api.http.post(api.path("secrets"), json=secret)

    assert (too_long.status_code, too_long.json()["reason"]) == (413, "RequestEntityTooLarge")
    assert too_large.json()["message"] == "etcdserver: request is too large"
    assert too_secret.json()["details"]["causes"][0]["reason"] == "FieldValueTooLong"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"[]",
        b'"x"',
        b"nul",
        b"{" * 5000,
        b'{"metadata": []}',
        b'{"metadata": {"name": 5}}',
        b'{"metadata": {"name": "a", "labels": {"a": 1}}}',
        b'{"metadata": {"name": "a", "ownerReferences": "x"}, "spec": {"containers": [1]}}',
    ],
)
def test_garbage_is_refused_not_crashed_on(api: Api, body: Any):
    """Whatever a client sends, the answer is a Status that blames the client."""
    headers = {"Content-Type": "application/json"}
    for plural in ("pods", "secrets", "configmaps"):
        answer = api.http.post(api.path(plural), content=body, headers=headers)

        assert 400 <= answer.status_code < 500, answer.text
        assert answer.json()["kind"] == "Status"


def test_pod_specs_are_immutable(api: Api):
    """All but a few fields of a pod's spec are refused to change."""
    container = {"name": "main", "image": "x", "command": ["sleep", "60"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    api.create("pods", {"metadata": {"name": "a"}, "spec": spec})
    change = {"spec": {"containers": [{"name": "main", "command": ["true"]}]}}

    refused = api.patch("pods", "a", change, "strategic-merge-patch+json")
    allowed = api.patch("pods", "a", {"spec": {"activeDeadlineSeconds": 50}})

    assert refused.status_code == 422
    assert "pod updates may not change fields other than" in refused.json()["message"]
    assert allowed.status_code == 200

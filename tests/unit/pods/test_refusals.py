"""What Kubernetes refuses, told apart by its messages as they were recorded."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gitlab_ci_provider.pods.refusals import refusal

ROOT = Path(__file__).parents[3]

RECORDED = {
    "forbidden_create": "alice may not create pods in namespace recerr; docs/how-to/",
    "forbidden_log": "alice may not get pods/log in namespace recerr",
    "forbidden_cluster_list": "alice may not list pods in the cluster",
    "sa_forbidden": "system:serviceaccount:recerr:default may not list pods in namespace recerr",
    "sa_missing_403": "the pod's service account does not exist: ",
    "priorityclass_missing_403": "the pod's priority class does not exist: ",
    "quota_must_specify_403": "a quota of the namespace wants resources that the pod does not set",
    "quota_exceeded_403": "the namespace's quota is used up: ",
    "limitrange_exceeded_403": "a LimitRange of the namespace does not allow these resources: ",
    "podsecurity_403": "the namespace's Pod Security level does not allow this pod: ",
    "ns_terminating_create_403": "the namespace is being deleted: ",
    "invalid_missing_image": "the pod is not valid: ",
    "secret_too_big": "the pod or its scripts are too large for Kubernetes: ",
}


def recorded(case: str) -> str:
    """Return the message of a recorded refusal, or skip."""
    shared = Path(os.environ.get("GITLAB_CI_SHARED", ROOT.parent / "shared"))
    path = shared / "kubernetes" / "recordings" / "errors_and_objects.json"
    if not path.is_file():
        pytest.skip("no recordings of a real Kubernetes: set GITLAB_CI_SHARED")
    cases = json.loads(path.read_text())
    message: str = cases[case]["body"]["message"]
    return message


@pytest.mark.parametrize("case", RECORDED)
def test_what_is_refused_is_explained(case: str):
    """The cause comes first, then Kubernetes' own words; only a quota is waited for."""
    said = recorded(case)

    found = refusal(said)

    assert found.words.startswith(RECORDED[case])
    assert said in found.words
    assert found.passes == (case == "quota_exceeded_403")


def test_a_pod_that_never_fits_into_a_quota_is_not_waited_for():
    """It asks for more than all of it, so that no end of another pod helps."""
    said = (
        'pods "b" is forbidden: exceeded quota: q, requested: limits.memory=2Gi,pods=1, '
        "used: limits.memory=0,pods=1, limited: limits.memory=1Gi,pods=4"
    )

    found = refusal(said)

    assert not found.passes
    assert found.words.startswith("the pod asks for more than the namespace's whole quota: ")


def test_a_webhook_names_itself():
    """Its message is the policy's; readers of the job's log see which webhook it was."""
    said = 'admission webhook "policy.example.com" denied the request: no latest tag'

    assert refusal(said).words == f"an admission webhook of the cluster denies it: {said}"


def test_an_unknown_refusal_is_told_as_it_is():
    """Nothing is added that is not known."""
    assert refusal("403 Forbidden: no") == refusal("403 Forbidden: no")
    assert refusal("403 Forbidden: no").words == "403 Forbidden: no"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("401 Unauthorized: Unauthorized", "it does not know the account of the connection"),
        ('404 Not Found: namespaces "ci" not found', "the namespace does not exist: "),
    ],
)
def test_a_wrong_connection_is_explained(said: str, words: str):
    """An expired token and a missing namespace are the first mistakes in a new installation."""
    found = refusal(said)

    assert found.words.startswith(words)
    assert said in found.words

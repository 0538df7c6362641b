"""`id_tokens:`: which tokens the cluster is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from factories import JOB, make_plan_request, make_variables
from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.plan import IdToken
from gitlab_ci_provider.planner.id_tokens import plan_id_tokens
from gitlab_ci_provider.planner.plan import PlannedJob, plan_job

ALLOWED = ("https://vault.example.com", "sts.*")


def tokens(audiences: dict[str, Any], timeout: int = 3600) -> tuple[IdToken, ...]:
    written = {name: {"aud": audience} for name, audience in audiences.items()}
    job = replace(JOB, as_written={"id_tokens": written})
    known = make_variables(VAULT="https://vault.example.com")
    return plan_id_tokens(job, known, ALLOWED, timeout)


def test_a_token_outlives_its_job():
    """So the kubelet does not renew it while the log masks the first one."""
    (token,) = tokens({"T": "sts.amazonaws.com"})

    assert token == IdToken(name="T", audience="sts.amazonaws.com", seconds=6000)
    assert token.seconds * 0.8 > 3600


@pytest.mark.parametrize(
    "audience", ["$VAULT", ["$VAULT"], ["$VAULT", "https://vault.example.com"]]
)
def test_audiences_are_expanded(audience: Any):
    """A list of one is one; variables are read as in GitLab."""
    (token,) = tokens({"T": audience})

    assert token.audience == "https://vault.example.com"


@pytest.mark.parametrize(
    ("name", "audience", "words"),
    [
        ("T", ["sts.a", "sts.b"], "has one audience"),
        ("T", "https://kubernetes.default.svc", "id_token_audiences"),
        ("T", "https://vault.example.com.evil", "id_token_audiences"),
        ("T", "https://vaultxexample.com", "id_token_audiences"),
        ("a/../b", "sts.a", "no shell accepts this name"),
    ],
)
def test_what_cannot_be_had_is_refused(name: str, audience: Any, words: str):
    """A token for the cluster's own API would be a login there: audiences are listed."""
    with pytest.raises(SystemFailure, match=words) as problem:
        tokens({name: audience})

    assert problem.value.reason == "runner_configuration_error"


def planned() -> PlannedJob:
    job = replace(JOB, as_written={"id_tokens": {"T": {"aud": "sts.a"}}})
    request = make_plan_request(job)
    return plan_job(replace(request, limits=replace(request.limits, id_token_audiences=ALLOWED)))


def test_scripts_read_the_token_where_the_kubelet_puts_it():
    """Its value is not known before the pod runs; the helper learns it to mask it."""
    job = planned()

    assert "T </gitlab-ci/id-tokens/T" in job.secret["entry"]
    assert 'export T="$_GITLAB_CI_ID_TOKEN_T"' in job.secret["step_script"]
    assert "/gitlab-ci/id-tokens" not in job.secret["step_script"]
    assert job.secret["finish.json"].count('"id_tokens":["T"]') == 1
    assert job.secret["prepare.json"].count('"id_tokens":[]') == 1

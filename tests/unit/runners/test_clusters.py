"""Credentials of clusters, by the environment of a job."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from factories import make_job, make_plan_request
from gitlab_ci_provider.model.environment import Environment
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import ClusterAccess
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.runners.clusters import FOLDER, with_cluster

REVIEW = ClusterAccess(
    environments=("review/*",), service_account="deployer", namespace="review-$CI_PROJECT_NAME"
)
PRODUCTION = ClusterAccess(environments=("production",), kubeconfig_secret="production")
RUNNER = RunnerProfile(name="deploy", clusters=(REVIEW, PRODUCTION))


def _request(environment: str | None, **given: Any) -> PlanRequest:
    wanted = Environment(name=environment) if environment else None
    job = make_job("deploy", environment=wanted)
    return make_plan_request(job, **given)


def test_a_job_becomes_the_account_of_its_environment():
    """The pod runs as the account; KUBECONFIG is a file that names its token, not the token."""
    request, runner = with_cluster(_request("review/topic"), RUNNER)
    variables = {variable.name: variable for variable in request.variables}

    assert runner.service_account == "deployer"
    assert runner.automount_service_account_token
    assert variables["KUBE_NAMESPACE"].value == "review-project"
    assert variables["KUBECONFIG"].file
    found = yaml.safe_load(variables["KUBECONFIG"].value)
    assert found["contexts"][0]["context"]["namespace"] == "review-project"
    assert found["users"][0]["user"] == {
        "tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"
    }


def test_a_job_gets_the_kubeconfig_of_its_environment():
    """A Secret of the cluster is mounted; the account of the pod stays what it was."""
    request, runner = with_cluster(_request("production"), RUNNER)

    assert request.variables.get("KUBECONFIG") == f"{FOLDER}/config"
    assert runner.volumes[-1] == {"name": "kubeconfig", "secret": {"secretName": "production"}}
    assert runner.volume_mounts[-1]["readOnly"] is True
    assert not runner.automount_service_account_token


@pytest.mark.parametrize("environment", [None, "staging", "review", "production/eu"])
def test_other_jobs_get_nothing(environment: str | None):
    """Without an environment, or with another one, there are no credentials."""
    request, runner = with_cluster(_request(environment), RUNNER)

    assert runner is RUNNER
    assert request.variables.get("KUBECONFIG") == ""


def test_a_namespace_cannot_add_to_the_kubeconfig():
    """Whatever its variables hold is one string."""
    cluster = ClusterAccess(
        environments=("*",), service_account="deployer", namespace="$CI_ENVIRONMENT_NAME"
    )
    hostile = 'x", "user": "other'
    request, _ = with_cluster(_request(hostile), RunnerProfile(clusters=(cluster,)))
    found = json.loads(request.variables.get("KUBECONFIG"))

    assert found["contexts"][0]["context"]["user"] == "job"

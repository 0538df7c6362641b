"""Logins of registries that a job brings along."""

from __future__ import annotations

import json

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.model.image import Image
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.pods.manifest import to_manifest
from gitlab_ci_provider.pods.pod import PodRequest, build_pod
from gitlab_ci_provider.pods.registry import build_pull_secret, registry_logins

CONFIG = '{"auths": {"r.example.com": {"auth": "aHVzaA=="}}, "credsStore": "osx"}'


def test_the_pod_names_a_secret_and_holds_no_login():
    """The logins are in a Secret of the type that Kubernetes pulls with, next to the runner's."""
    logins = registry_logins(CONFIG)
    request = PodRequest(
        name="pod",
        image=Image(name="r.example.com/app"),
        profile=RunnerProfile(image_pull_secrets=("own",)),
        deadline=1,
        labels={},
        annotations={},
        logins=bool(logins),
    )
    pod = to_manifest(build_pod(request))
    secret = build_pull_secret(k8s.V1ObjectMeta(name="pod", labels={"a": "b"}), logins)

    assert pod["spec"]["imagePullSecrets"] == [{"name": "own"}, {"name": "pod-pull"}]
    assert "aHVzaA" not in json.dumps(pod)
    assert (secret.metadata.name, secret.metadata.labels) == ("pod-pull", {"a": "b"})
    assert secret.type == "kubernetes.io/dockerconfigjson"
    assert json.loads(secret.string_data[".dockerconfigjson"]) == {
        "auths": {"r.example.com": {"auth": "aHVzaA=="}}
    }


@pytest.mark.parametrize("text", ["", "  ", '{"auths": {}}'])
def test_without_logins_there_is_no_secret(text: str):
    """Most jobs bring none along, and cost no request more."""
    assert registry_logins(text) == ""


@pytest.mark.parametrize(
    "text", ["hush", "[]", '{"auths": "hush"}', '{"auths": {"h": "hush"}}', "{}"]
)
def test_what_docker_would_not_write_fails_in_words(text: str):
    """The variable is named, and not quoted: it is a secret."""
    with pytest.raises(SystemFailure, match="DOCKER_AUTH_CONFIG") as failure:
        registry_logins(text)

    assert "hush" not in str(failure.value)
    assert failure.value.__cause__ is None

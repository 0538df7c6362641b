"""The pod of an image build."""

from __future__ import annotations

import json

import pytest
from kubernetes import client as k8s

from gitlab_ci_provider.image_builds.engines import ENGINES, build_container
from gitlab_ci_provider.model.image_build import BuildSecret, EngineName, ImageBuild
from gitlab_ci_provider.pods.image_build import (
    add_build,
    build_secret,
    build_secret_file,
    secret_contents,
)
from gitlab_ci_provider.pods.manifest import to_manifest

BUILD = ImageBuild(
    context="dir:///workspace",
    destinations=("r.example.com/app:1",),
    build_args={"X": "$(DOCKER_CONFIG)"},
    secrets=(BuildSecret(id="npm", file=build_secret_file("npm")),),
)


def _pod(engine: EngineName, **container: object) -> k8s.V1Pod:
    base = k8s.V1Container(name="base", **container)
    pod = k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="p", namespace="n"), spec=k8s.V1PodSpec(containers=[base])
    )
    return add_build(pod, "base", build_container(BUILD, ENGINES[engine]), ["npm"])


@pytest.mark.parametrize("engine", ["kaniko", "buildkit", "buildah"])
def test_logins_are_a_file_where_the_engine_looks(engine: EngineName):
    """The pod names a Secret and the file; the engine's variable names the folder."""
    pod = to_manifest(_pod(engine))
    (container,) = pod["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    folder = mounts["registry-logins"]

    assert any(variable["value"].startswith(folder) for variable in container["env"])
    assert volumes["registry-logins"]["secret"]["secretName"] == "p-build"
    assert volumes["build-secrets"]["secret"]["items"] == [{"key": "secret.npm", "path": "npm"}]
    assert f"{mounts['build-secrets']}/npm" == BUILD.secrets[0].file


def test_kubernetes_expands_no_argument():
    """`$(NAME)` in a build argument stays what it is."""
    (container,) = _pod("kaniko").spec.containers

    assert "--build-arg=X=$$(DOCKER_CONFIG)" in container.args


def test_what_the_task_says_of_its_container_wins():
    """A security context of the task replaces the engine's; its variables come after ours."""
    given = k8s.V1SecurityContext(run_as_user=7)
    (container,) = _pod("kaniko", security_context=given).spec.containers

    assert container.security_context.run_as_user == 7


@pytest.mark.parametrize(
    ("place", "said", "expected"),
    [
        ("/workspace", None, True),
        ("/workspace/app/cache", None, True),
        ("/workspace", False, False),
        ("/workspaces", None, None),
        ("/scratch", None, None),
    ],
)
def test_what_a_build_reads_is_not_written(place: str, said: bool | None, expected: bool | None):
    """With Kaniko, commands of a Dockerfile see the pod's volumes; the task may let them write."""
    mount = k8s.V1VolumeMount(name="v", mount_path=place, read_only=said)
    (container,) = _pod("kaniko", volume_mounts=[mount]).spec.containers

    assert container.volume_mounts[0].read_only is expected
    assert mount.read_only is said  # an init container that writes the context may have it, too


def test_the_secret_is_next_to_the_pod():
    """Its name is the pod's, its contents are what was read."""
    contents = secret_contents('{"auths": {}}', {"npm": "value"})
    secret = build_secret(_pod("kaniko"), contents)

    assert (secret.metadata.name, secret.metadata.namespace) == ("p-build", "n")
    assert json.loads(secret.string_data["config.json"]) == {"auths": {}}
    assert secret.string_data["secret.npm"] == "value"

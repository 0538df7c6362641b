"""The operators that build images, as a DAG's author sees them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.image_builds.engines import ENGINES, build_container
from gitlab_ci_provider.model.image_build import ImageBuild
from gitlab_ci_provider.operators.image_build import ImageBuildOperator, KanikoBuildOperator
from gitlab_ci_provider.operators.image_options import LayerPodOperator, RegistryPodOperator
from gitlab_ci_provider.settings import Settings

OPTIONS: dict[str, Any] = {
    "context": "dir:///workspace/app",
    "context_sub_path": "api",
    "dockerfile": "docker/Dockerfile",
    "destinations": ["r.example.com/app:1"],
    "target": "release",
    "build_args": {"A": 1},
    "build_secrets": {"npm": "npm_token"},
    "build_secret_files": {"key": "/keys/key"},
    "image_labels": {"a": "b"},
    "platform": "linux/arm64",
    "cache": True,
    "cache_repo": "r.example.com/cache",
    "cache_hours": 24,
    "cache_copy_layers": True,
    "compressed_caching": True,
    "snapshot_mode": "redo",
    "compression": "gzip",
    "compression_level": 3,
    "image_format": "oci",
    "registry_mirrors": ["mirror.example.com"],
    "registry_certificates": {"r.example.com": "/ca.pem"},
    "insecure_registries": ["localhost:5000"],
    "skip_tls_verify_registries": ["localhost:5001"],
    "push_retries": 7,
    "pull_retries": 8,
    "ignore_immutable_tags": True,
}
ELSEWHERE = {"engine", "runner", "object_store_conn_id", "registry_conn_id", "project"}
"""Options that are not about the build itself."""


def _options() -> set[str]:
    classes = (RegistryPodOperator, LayerPodOperator, ImageBuildOperator)
    names = {name for each in classes for name in inspect.signature(each.__init__).parameters}
    return names - {"self", "kwargs", "automount_service_account_token", "do_xcom_push"}


def test_every_option_reaches_the_engine():
    """No option is dropped: each one changes Kaniko's command line."""
    task = KanikoBuildOperator(task_id="build", **OPTIONS)
    whole = _command(task.image_build())

    assert OPTIONS.keys() == _options() - ELSEWHERE
    for name in OPTIONS.keys() - {"context", "destinations", "cache"}:
        rest = {key: value for key, value in OPTIONS.items() if key != name}
        less = KanikoBuildOperator(task_id="build", **rest)
        assert _command(less.image_build()) != whole, name


def _command(build: ImageBuild) -> tuple[str, ...]:
    return build_container(build, ENGINES["kaniko"]).command


def test_every_text_is_a_template():
    """An author can use Jinja in all that is text, but for words with fixed values."""
    fixed = {"snapshot_mode", "compression", "image_format"}
    task = KanikoBuildOperator(task_id="build", **OPTIONS)
    texts = {
        name
        for name in _options() - fixed
        if isinstance(getattr(task, name), str | list | dict | tuple)
    }

    assert texts <= set(ImageBuildOperator.template_fields)


def test_kaniko_builds_with_kaniko():
    """The operator that is named after an engine uses no other one."""
    assert KanikoBuildOperator(task_id="build").engine == "kaniko"
    with pytest.raises(TypeError):
        KanikoBuildOperator(task_id="build", engine="buildah")


def test_a_runner_says_what_the_task_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its pinned image, its cluster and its namespace; what the task says wins."""
    file = tmp_path / "runners.yml"
    file.write_text(
        "runners:\n- {name: builds, tags: [builds], connection: cluster, namespace: images,\n"
        "   kaniko_image: 'r.example.com/kaniko@sha256:1'}\n"
    )
    settings = Settings(home=tmp_path, runners_file=file)
    monkeypatch.setattr("gitlab_ci_provider.operators.image_build.load_settings", lambda: settings)

    task = KanikoBuildOperator(task_id="build", runner="builds")
    task._use_runner()
    own = KanikoBuildOperator(task_id="own", runner="builds", namespace="mine", image="k:1")
    own._use_runner()

    assert (task.kubernetes_conn_id, task.namespace) == ("cluster", "images")
    assert task.image == "r.example.com/kaniko@sha256:1"
    assert (own.kubernetes_conn_id, own.namespace, own.image) == ("cluster", "mine", "k:1")
    with pytest.raises(SystemFailure, match="no runner 'other', only builds"):
        KanikoBuildOperator(task_id="build", runner="other")._use_runner()


def test_a_build_gets_no_token_of_kubernetes():
    """A Dockerfile's commands must not speak to the cluster as the pod's service account."""
    assert KanikoBuildOperator(task_id="build").automount_service_account_token is False


def test_the_image_is_the_xcom_without_a_container_for_it():
    """Other pod operators push nothing unless they are told; this one returns what it has built."""
    task = KanikoBuildOperator(task_id="build", destinations=["r.example.com/app:1"], image="k")

    assert task.do_xcom_push is True
    pod = task.build_pod_request_obj(dry_run=True)
    assert [container.name for container in pod.spec.containers] == ["base"]

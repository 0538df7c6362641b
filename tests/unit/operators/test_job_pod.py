"""Parameters of `GitlabJobPodOperator`."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes import client as k8s

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.operators.job_pod import NOT_TAKEN, GitlabJobPodOperator
from gitlab_ci_provider.operators.task_parts import TaskCache, TaskService


def make(**given: Any) -> GitlabJobPodOperator:
    return GitlabJobPodOperator(**{"task_id": "task", "image": "debian:12", **given})


def rendered(operator: GitlabJobPodOperator, **values: Any) -> GitlabJobPodOperator:
    context: Any = values
    operator.render_template_fields(context)
    return operator


def test_texts_are_templates():
    """Also those in values and mappings; the parameters of the pod operator are, too."""
    operator = rendered(
        make(
            script="true",
            image="{{ x }}:1",
            cache=TaskCache(key="{{ x }}", paths=["{{ x }}/"]),
            artifacts={"paths": ["{{ x }}.json"]},
            services=[TaskService(name="{{ x }}", variables={"A": "{{ x }}"})],
        ),
        x="y",
    )

    assert operator.task_job().keywords == {
        "image": "y:1",
        "script": ["true"],
        "cache": [{"key": "y", "paths": ["y/"], "policy": "pull-push", "when": "on_success"}],
        "artifacts": {"paths": ["y.json"]},
        "services": [{"name": "y", "variables": {"A": "y"}}],
    }


def test_a_script_is_no_template():
    """Shell text may hold what Jinja would take for its own."""
    script = "echo ${#list[@]} {{ x }} {% y %}"

    assert rendered(make(script=script)).task_job().keywords["script"] == [script]


def test_a_program_is_quoted_for_the_shell():
    """`cmds` and `arguments` are templates, and one command: a value cannot become another."""
    operator = rendered(make(cmds=["echo"], arguments=["{{ x }}"]), x="a; b $C")

    assert operator.task_job().keywords["script"] == ["echo 'a; b $C'"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "script or cmds is missing"),
        ({"arguments": ["a"]}, "the image's entrypoint"),
        ({"script": "true", "cmds": ["true"]}, "leave out cmds"),
        ({"script": "true", "name": "pod"}, r"does not take name \(the pod's name comes from"),
        ({"script": "true", "full_pod_spec": k8s.V1Pod()}, "pod_patches"),
    ],
)
def test_what_cannot_be_honoured_is_refused(given: dict[str, Any], words: str):
    """When the task runs, in words; nothing is left out in silence."""
    with pytest.raises(ConfigError, match=words):
        make(**given).task_job()


def test_all_that_is_refused_are_parameters_of_the_pod_operator():
    """The list holds no name that `KubernetesPodOperator` does not take."""
    import inspect

    known = inspect.signature(KubernetesPodOperator.__init__).parameters

    assert set(NOT_TAKEN) <= set(known)


def test_parameters_add_to_the_pod_of_the_job():
    """Volumes, labels and variables from Kubernetes' objects are added; the program stays."""
    reference = k8s.V1EnvVarSource(
        secret_key_ref=k8s.V1SecretKeySelector(name="login", key="password")
    )
    operator = make(
        script="true",
        labels={"team": "data"},
        env_vars=[
            k8s.V1EnvVar(name="SEEN", value="no"),
            k8s.V1EnvVar(name="PASSWORD", value_from=reference),
        ],
        volumes=[k8s.V1Volume(name="data", empty_dir=k8s.V1EmptyDirVolumeSource())],
        volume_mounts=[k8s.V1VolumeMount(name="data", mount_path="/data")],
    )
    build = k8s.V1Container(name="build", image="debian:12", command=["sh", "entry"])
    helper = k8s.V1Container(name="helper")
    operator.full_pod_spec = k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="pod", namespace="n"),
        spec=k8s.V1PodSpec(containers=[build, helper]),
    )

    pod = operator.build_pod_request_obj(dry_run=True)

    first, second = pod.spec.containers
    assert (first.image, first.command, second.name) == ("debian:12", ["sh", "entry"], "helper")
    assert [variable.name for variable in first.env] == ["PASSWORD"]
    assert first.volume_mounts[0].mount_path == "/data"
    assert pod.metadata.labels["team"] == "data"
    assert operator.image == "debian:12"

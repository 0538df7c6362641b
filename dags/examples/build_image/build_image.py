"""An example of a hand-written DAG: build an image, push it, and run it by its digest.

Copy it into the DAGs folder, and start it with the registry as a parameter. Two connections are
needed: `gitlab_ci_kubernetes`, and `registry` if the registry wants a login.
"""

from __future__ import annotations

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import dag
from kubernetes import client as k8s

from gitlab_ci_provider.operators.image_build import ImageBuildOperator

DOCKERFILE = """\
ARG BASE
FROM $BASE AS builder
ARG GREETING
RUN echo "$GREETING" >/greeting
FROM $BASE
COPY --from=builder /greeting /greeting
CMD ["cat", "/greeting"]
"""

WORKSPACE = k8s.V1Volume(name="workspace", empty_dir=k8s.V1EmptyDirVolumeSource())
MOUNT = k8s.V1VolumeMount(name="workspace", mount_path="/workspace")

# A real project gives `context="git://..."`, or a volume that an earlier task has filled.
WRITE = k8s.V1Container(
    name="write",
    image="busybox",
    command=["sh", "-c", 'printf "%s" "$DOCKERFILE" >/workspace/Dockerfile'],
    env=[k8s.V1EnvVar(name="DOCKERFILE", value=DOCKERFILE)],
    volume_mounts=[MOUNT],
)


@dag(
    schedule=None,
    params={
        "registry": "registry.example.com",
        "insecure_registry": "",
        "login": "",
        "tag": "latest",
        "base": "docker.io/library/busybox",
        "engine": "kaniko",
    },
    tags=["example"],
)
def build_image():
    """Build an image and run it."""
    build = ImageBuildOperator(
        task_id="build",
        kubernetes_conn_id="gitlab_ci_kubernetes",
        engine="{{ params.engine }}",
        context="dir:///workspace",
        destinations=["{{ params.registry }}/examples/greeting:{{ params.tag }}"],
        build_args={"BASE": "{{ params.base }}", "GREETING": "hello from {{ run_id }}"},
        registry_conn_id="{{ params.login }}",
        insecure_registries=["{{ params.insecure_registry }}"],
        cache=True,
        init_containers=[WRITE],
        volumes=[WORKSPACE],
        volume_mounts=[MOUNT],
        deferrable=True,
    )
    run = KubernetesPodOperator(
        task_id="run",
        kubernetes_conn_id="gitlab_ci_kubernetes",
        image="{{ ti.xcom_pull('build')['image'] }}",
        cmds=["sh", "-c", "cat /greeting 2>/dev/null || echo 'images are not honoured here'"],
    )
    build >> run


build_image()

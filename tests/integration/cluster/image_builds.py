"""Image builds for the tests of a cluster: the operator, a workspace, and a task's context."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clusters.builders import Builder
from gitlab_ci_provider.image_builds.engines import ENGINES, build_container
from gitlab_ci_provider.model.image_build import EngineName, ImageBuild
from integration.cluster.support import Api, Cluster
from servers.image_registry import Registry

WORKSPACE = "/workspace"


@dataclass
class Builds:
    """Makes and runs tasks that build images of a folder of this machine."""

    cluster: Cluster
    api: Api
    workspace: Path
    registry: Registry
    builder: Builder

    def operator(self, **options: Any) -> Any:
        """Make a task that builds."""
        from kubernetes import client as k8s

        from gitlab_ci_provider.operators.image_build import ImageBuildOperator

        source = k8s.V1HostPathVolumeSource(path=str(self.workspace))
        given = {
            "task_id": "build",
            "name": "build",
            "namespace": self.api.namespace,
            "config_file": str(self.cluster.kubeconfig),
            "kubernetes_conn_id": None,
            "in_cluster": False,
            "startup_check_interval_seconds": 1,
            "engine": self.builder.engine,
            "image": self.builder.image,
            "destinations": [f"{self.registry.host}/group/app:1"],
            "insecure_registries": [self.registry.host],
            "push_retries": 0,
            "pull_retries": 0,
            "volumes": [k8s.V1Volume(name="workspace", host_path=source)],
            "volume_mounts": [k8s.V1VolumeMount(name="workspace", mount_path=WORKSPACE)],
        }
        return ImageBuildOperator(**given | options)

    def not_with(self, engine: EngineName, reason: str) -> None:
        """Skip a test with an engine."""
        if self.builder.engine == engine:
            pytest.skip(f"not for {engine}: {reason}")

    def write(self, files: Mapping[str, str]) -> None:
        """Write the build's context; `BASE` in a Dockerfile is the image that the tests pushed."""
        for name, text in files.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("BASE", f"{self.registry.host}/base:1"))

    def run(self, **options: Any) -> dict[str, Any]:
        """Build and push."""
        built: dict[str, Any] = self.operator(**options).execute(task_context())
        return built


def logins_file(builder: Builder) -> str:
    """Name the file in which an engine finds its logins."""
    build = ImageBuild(context="dir:///workspace", destinations=("r.example.com/a",))
    container = build_container(build, ENGINES[builder.engine])
    return f"{container.docker_config}/config.json"


def task_context() -> dict[str, Any]:
    """Make the little of a task's context that the operator reads."""
    dag = SimpleNamespace(dag_id="d", parent_dag=None)
    run = SimpleNamespace(run_id="r1", conf={})
    task = SimpleNamespace(
        task_id="build",
        dag_id="d",
        run_id="r1",
        map_index=-1,
        try_number=1,
        dag_run=run,
        xcoms={},
        rendered_map_index=None,
    )
    task.xcom_push = lambda key, value: task.xcoms.update({key: value})
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return {"ti": task, "task_instance": task, "dag": dag, "dag_run": run, "run_id": "r1"} | {
        "logical_date": moment
    }

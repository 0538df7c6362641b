"""An unmodified KubernetesPodOperator runs its pods here, in both of its modes."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from integration.cluster.support import Api, Cluster

pytest.importorskip("airflow.providers.cncf.kubernetes")


@pytest.fixture
def context() -> dict[str, Any]:
    """The little of a task's context that the operator reads."""
    dag = SimpleNamespace(dag_id="d", parent_dag=None)
    run = SimpleNamespace(run_id="r1", conf={})
    task = SimpleNamespace(
        task_id="t",
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


@pytest.fixture
def operator(cluster: Cluster, api: Api) -> Callable[..., Any]:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    def make(script: str, **options: Any) -> Any:
        return KubernetesPodOperator(
            task_id="t",
            name="operated",
            namespace=api.namespace,
            image="busybox",
            cmds=["sh", "-c", script],
            config_file=str(cluster.kubeconfig),
            kubernetes_conn_id=None,
            in_cluster=False,
            startup_check_interval_seconds=1,
            **options,
        )

    return make


def test_result_comes_through_the_xcom_sidecar(
    operator: Callable[..., Any], context: dict[str, Any], api: Api
):
    """The sidecar runs, its file is read by exec, it is told to end, the pod is deleted."""
    script = "mkdir -p /airflow/xcom; echo '{\"a\": 1}' >/airflow/xcom/return.json; echo said"

    result = operator(script, do_xcom_push=True).execute(context)

    assert result == {"a": 1}
    name = context["ti"].xcoms.get("pod_name")
    if name:
        api.wait_gone(name)
    assert api.names("pods") == []


def test_failing_pod_fails_the_task(
    operator: Callable[..., Any], context: dict[str, Any], api: Api
):
    """Exit code 3 is an exception that shows the container's state."""
    with pytest.raises(Exception, match="returned a failure"):
        operator("echo bye; exit 3", do_xcom_push=False).execute(context)


def test_trigger_waits_for_the_pod(cluster: Cluster, api: Api):
    """The deferrable mode's trigger sees the pod end through kubernetes_asyncio."""
    from airflow.providers.cncf.kubernetes.triggers.pod import KubernetesPodTrigger

    from integration.cluster.support import pod

    api.create("pods", pod("deferred", "sleep 0.5", container={"name": "base"}))
    trigger = KubernetesPodTrigger(
        pod_name="deferred",
        pod_namespace=api.namespace,
        trigger_start_time=dt.datetime.now(tz=dt.UTC),
        base_container_name="base",
        kubernetes_conn_id=None,
        config_dict=_config_dict(cluster),
        poll_interval=0.2,
        startup_check_interval=1,
    )

    async def first() -> Any:
        async for event in trigger.run():
            return event
        return None

    event = asyncio.run(first())

    assert event.payload["status"] == "success"
    assert event.payload["name"] == "deferred"


def _config_dict(cluster: Cluster) -> dict[str, Any]:
    import yaml

    return yaml.safe_load(cluster.kubeconfig.read_text())

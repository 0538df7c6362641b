"""The example of a hand-written DAG builds a real image, in a real Airflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters.builders import served_builder
from clusters.target import read_target
from e2e.embedded import Stack
from e2e.logs import log_lines
from processes.waiting import wait_until
from servers.image_registry import Registry, running_registry

EXAMPLE = Path(__file__).parents[2] / "dags" / "examples" / "build_image" / "build_image.py"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with running_registry(tmp_path / "registry") as running:
        running.push_base()
        yield running


@pytest.fixture
def engine(stack: Stack, registry: Registry, pytestconfig: pytest.Config) -> str:
    """The engine that the stack's cluster has."""
    if stack.place:
        target = read_target(Path(pytestconfig.option.kubeconfig))
        builder = served_builder(target.images)
        target.pull_from(registry.host)
        return builder.engine
    if shutil.which("buildah") is None:
        pytest.skip("needs buildah (Debian: buildah)")
    return "buildah"


def test_the_example_builds_an_image(stack: Stack, registry: Registry, engine: str):
    """Deferred to the triggerer, by templates, with the digest as XCom for the next task."""
    dag = EXAMPLE.stem
    file = stack.home.dags / EXAMPLE.name
    connection = "real" if stack.place else "gitlab_ci_kubernetes"
    file.write_text(EXAMPLE.read_text().replace("gitlab_ci_kubernetes", connection))
    wait_until(
        lambda: stack.api.request("GET", "/dags", params={"dag_id_pattern": dag})["total_entries"],
        "the DAG",
    )
    stack.api.request("PATCH", f"/dags/{dag}", json={"is_paused": False})
    conf = {
        "registry": registry.host,
        "insecure_registry": registry.host,
        "base": f"{registry.host}/base:1",
        "engine": engine,
        "tag": "1",
    }
    run = stack.api.trigger(dag, conf)
    wait_until(lambda: stack.api.run_state(dag, run) in {"success", "failed"}, "the run", pause=1)
    file.unlink()

    tasks = stack.api.tasks(dag, run)
    logs = "\n".join(
        line for task in tasks.values() for line in log_lines(stack.api, dag, run, task)
    )
    assert stack.api.run_state(dag, run) == "success", logs
    built = stack.api.xcom(dag, run, "build", "return_value")
    assert built["digest"] == registry.digest("examples/greeting", "1")
    files = registry.files("examples/greeting", "1")
    assert files["greeting"].decode() == f"hello from {run}\n"
    assert "RUN echo" in logs
    if stack.place:  # whose pods run in their images
        ran = "\n".join(log_lines(stack.api, dag, run, tasks["run"]))
        assert f"hello from {run}" in ran

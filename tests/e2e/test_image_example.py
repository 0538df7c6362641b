"""The example of a hand-written DAG builds a real image, in a real Airflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters.builders import served_builder
from clusters.target import read_target
from e2e.embedded import Stack, make_repository
from processes.waiting import wait_until
from servers.image_registry import Registry, gate_to, running_registry

EXAMPLES = Path(__file__).parents[2] / "dags" / "examples"
EXAMPLE = EXAMPLES / "build_image" / "build_image.py"
LOGIN = ("group-token", 'pa"ss$%s_word')


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
        builder = served_builder(target)
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
    logs = "\n".join(line for task in tasks.values() for line in stack.api.log(dag, run, task))
    assert stack.api.run_state(dag, run) == "success", logs
    built = stack.api.xcom(dag, run, "build", "return_value")
    assert built["digest"] == registry.digest("examples/greeting", "1")
    files = registry.files("examples/greeting", "1")
    assert files["greeting"].decode() == f"hello from {run}\n"
    assert "RUN echo" in logs
    if stack.place:  # whose pods run in their images
        ran = "\n".join(stack.api.log(dag, run, tasks["run"]))
        assert f"hello from {run}" in ran


def test_a_job_with_kaniko_builds_its_image(
    stack: Stack, registry: Registry, engine: str, tmp_path: Path
):
    """The example's job as it is written, in the pod of a job, with the project's login."""
    if engine != "kaniko":
        pytest.skip("needs a real Kubernetes, and an executor in GITLAB_CI_TESTS_KANIKO")
    root = EXAMPLES / "kaniko"
    files = {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }
    repository = make_repository(tmp_path / "kaniko", files)
    user, password = LOGIN
    with gate_to(registry, logins=frozenset({f"{user}:{password}"})) as gate:
        values = {
            "CI_REGISTRY": gate.host,
            "CI_REGISTRY_IMAGE": f"{gate.host}/group/project",
            "CI_REGISTRY_USER": user,
            "CI_REGISTRY_PASSWORD": password,
            "BASE_IMAGE": f"{gate.host}/base:1",
        }
        raw = [{"key": key, "value": value, "raw": True} for key, value in values.items()]
        stack.define("local/kaniko", raw)
        report = stack.run(repository)

    tasks = stack.api.tasks(report["dag_id"], report["run_id"])
    log = "\n".join(stack.api.log(report["dag_id"], report["run_id"], tasks["build"]))
    assert report["status"] == "passed", log
    assert registry.digest("group/project", "main") in log
    assert password not in log

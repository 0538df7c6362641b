"""The example that deploys, with helm itself, on a real Kubernetes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from clusters.added_images import add_deployer
from clusters.target import Target, read_target
from e2e.embedded import Stack, make_repository, real_stack
from e2e.logs import log_lines
from e2e.place import kubeconfig_of

EXAMPLE = Path(__file__).parents[2] / "dags" / "examples" / "deploy"
HELM = "GITLAB_CI_TESTS_HELM"
"""Names helm's program, which cannot be installed where the tests run."""

pytestmark = pytest.mark.real("helm and kubectl talk to it")


@pytest.fixture
def stack(pytestconfig: pytest.Config, tmp_path: Path) -> Iterator[Stack]:
    """A stack with the example's runner, and what its `cluster.yml` asks for."""
    if HELM not in os.environ:
        pytest.skip(f"needs helm: {HELM} names no program")
    target = read_target(Path(pytestconfig.option.kubeconfig))
    if target.images is None:
        pytest.skip("gives the cluster images, which only --kubernetes takes")
    add_deployer(target.images, Path(os.environ[HELM]))
    runners = tmp_path / "runners.yml"
    runners.write_text(json.dumps(_runners()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__GITLAB_CI__RUNNERS_FILE", str(runners))
        with real_stack(target, tmp_path) as stack, _prepared(target, stack):
            yield stack


def _runners() -> Any:
    """Take the example's runner; this cluster has no names for its API server in pods."""
    runners = yaml.safe_load((EXAMPLE / "runners.yml").read_text())
    review = runners["runners"][0]["clusters"][0]
    del review["service_account"]
    review["kubeconfig_secret"] = "deployer"
    return runners


@contextmanager
def _prepared(target: Target, stack: Stack) -> Iterator[None]:
    """Apply the example's `cluster.yml`, and give jobs a kubeconfig of its account."""
    text = (EXAMPLE / "cluster.yml").read_text().replace("gitlab-ci", stack.namespace)

    def kubectl(*words: str) -> None:
        command = ["kubectl", "--kubeconfig", str(target.kubeconfig), *words, "-f", "-"]
        subprocess.run(command, input=text.encode(), check=True)

    kubectl("apply", "--validate=false")
    core, account = stack.core, (stack.namespace, "review-deployer")
    config = kubeconfig_of(target.kubeconfig, core.api_client, account)
    secret = {"metadata": {"name": "deployer"}, "stringData": {"config": config}}
    core.create_namespaced_secret(stack.namespace, secret)
    try:
        yield
    finally:
        kubectl("delete")


def test_the_deploy_example_installs_its_release_with_helm(stack: Stack, tmp_path: Path):
    """With the rights of its account; its environment has the URL.

    Its pipeline and chart are as written. Its runner gives jobs a kubeconfig instead of the
    account, because this cluster has no names in pods; the tests' own images stand in for others.
    """
    assert stack.place
    found = (path for path in EXAMPLE.rglob("*") if path.is_file())
    files = {str(path.relative_to(EXAMPLE)): path.read_text() for path in found}
    repository = make_repository(tmp_path / "deploy", files)

    report = stack.run(repository)

    dag, run = report["dag_id"], report["run_id"]
    log = "\n".join(log_lines(stack.api, dag, run, stack.api.tasks(dag, run)["deploy"]))
    assert report["jobs"]["deploy"]["status"] == "success", log
    (release,) = client.AppsV1Api(stack.core.api_client).list_namespaced_deployment("review").items
    assert release.status.ready_replicas == 1
    map_of_release = stack.core.read_namespaced_config_map(release.metadata.name, "review")
    assert map_of_release.data["text"].startswith("Version ")
    (listed,) = json.loads(
        stack.command("environments", stack.address(repository), "--json").stdout
    )
    assert listed["url"] == f"https://{release.metadata.name}.example.com"

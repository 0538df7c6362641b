"""The example pipelines that need more than a shell, on a real Airflow.

helm and Kaniko's image cannot be had here. A stand-in for helm does what the chart asks for, with
kubectl, and one for Kaniko says what it was asked for. All else is real: the runners, what they
give to jobs, kubectl, and the API that it talks to.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from e2e.embedded import Stack, make_repository
from e2e.logs import log_lines
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack

EXAMPLES = Path(__file__).parents[2] / "dags" / "examples"
NAMESPACE = "review"
HELM = r"""
mkdir -p /tmp/programs
cat > /tmp/programs/helm <<'END'
#!/bin/sh
# helm upgrade RELEASE CHART --namespace NAME --set-string text=TEXT ..., or helm uninstall RELEASE
set -e
verb=$1 release=$2 chart=$3
while [ $# -gt 0 ]; do
  case $1 in --namespace) namespace=$2 ;; --set-string) text=${2#text=} ;; esac
  shift
done
if [ "$verb" = uninstall ]; then
  exec kubectl --namespace "$namespace" delete configmap "$release"
fi
sed -e "s|{{ .Release.Name }}|$release|" -e "s|{{ .Values.text . quote }}|\"$text\"|" \
  "$chart/templates/configmap.yaml" | kubectl --namespace "$namespace" apply -f -
END
chmod +x /tmp/programs/helm
export PATH="/tmp/programs:$PATH"
"""

EXECUTOR = r"""
cat > /kaniko/executor <<'END'
#!/bin/sh
echo "executor: $*"
test -r "$DOCKER_CONFIG/config.json"
while [ $# -gt 0 ]; do
  [ "$1" != --digest-file ] || echo sha256:0123 > "$2"
  shift
done
END
chmod +x /kaniko/executor
"""
REGISTRY = "registry.example.com"
BUILDER = {
    "name": "builds",
    "run_untagged": True,
    "image_builds": "rewrite",
    "pre_build_script": EXECUTOR,
    "volumes": [{"name": "kaniko", "emptyDir": {}}],
    "volume_mounts": [{"name": "kaniko", "mountPath": "/kaniko"}],
    "environment": {
        "CI_REGISTRY": REGISTRY,
        "CI_REGISTRY_IMAGE": f"{REGISTRY}/group/project",
        "CI_REGISTRY_USER": "user",
        "CI_REGISTRY_PASSWORD": "password",
        "DOCKER_CONFIG": "/kaniko/.docker",
    },
}
"""Takes the place of Kaniko's image, and of GitLab's variables for the registry."""

pytestmark = [
    pytest.mark.embedded("its Secret is for that cluster, and so are the stand-ins"),
    pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl"),
]


def _runners() -> dict[str, Any]:
    """Take the example's runner; the embedded cluster accepts no tokens of accounts."""
    runners: dict[str, Any] = yaml.safe_load((EXAMPLES / "deploy" / "runners.yml").read_text())
    (runner,) = runners["runners"]
    review = runner["clusters"][0]
    del review["service_account"]
    runner |= {"clusters": [{**review, "kubeconfig_secret": "cluster"}], "pre_build_script": HELM}
    return {"runners": [runner, BUILDER]}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with the example's runner, and what the runner needs in the cluster."""
    folder = tmp_path_factory.mktemp("examples")
    file, home = folder / "runners.yml", Home(folder / "home")
    file.write_text(yaml.safe_dump(_runners()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__GITLAB_CI__RUNNERS_FILE", str(file))
        with running_stack(home, StackOptions()) as state:
            config.load_kube_config(str(home.kubeconfig))
            core = client.CoreV1Api()
            core.create_namespace({"metadata": {"name": NAMESPACE}})
            secret = {"config": home.kubeconfig.read_text()}
            core.create_namespaced_secret(
                "default", {"metadata": {"name": "cluster"}, "stringData": secret}
            )
            yield Stack(home, AirflowApi(state.access))


def _repository(folder: Path, example: str) -> Path:
    root = EXAMPLES / example
    files = {
        str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()
    }
    return make_repository(folder / example, files)


def test_the_deploy_example_installs_its_release(stack: Stack, tmp_path: Path):
    """The job deploys with what its runner gives it, and its environment has the URL."""
    repository = _repository(tmp_path, "deploy")

    report = stack.run(repository)

    assert report["jobs"]["deploy"]["status"] == "success"
    (release,) = client.CoreV1Api().list_namespaced_config_map(NAMESPACE).items
    assert release.data["text"].startswith("Version ")
    (listed,) = json.loads(stack.command("environments", str(repository), "--json").stdout)
    assert listed["name"] == "review/main"
    assert listed["url"] == f"https://{release.metadata.name}.example.com"


def _log(stack: Stack, report: dict[str, Any], job: str) -> str:
    dag, run = report["dag_id"], report["run_id"]
    return "\n".join(log_lines(stack.api, dag, run, stack.api.tasks(dag, run)[job]))


def test_the_kaniko_example_builds_its_image(stack: Stack, tmp_path: Path):
    """The job runs as it is written, and keeps the digest."""
    report = stack.run(_repository(tmp_path, "kaniko"))

    assert report["jobs"]["build"]["status"] == "success"
    log = _log(stack, report, "build")
    assert f"--destination {REGISTRY}/group/project:main --digest-file /builds/" in log
    assert "sha256:0123" in log


def test_a_job_for_a_docker_daemon_builds_its_image_without_one(stack: Stack, tmp_path: Path):
    """The runner rewrites the job, says so, and starts no daemon."""
    case = EXAMPLES.parents[1] / "tests" / "golden" / "docker-in-docker" / "simple.yml"
    repository = make_repository(tmp_path / "docker", {".gitlab-ci.yml": case.read_text()})

    report = stack.run(repository)

    assert report["jobs"]["build"]["status"] == "success"
    log = _log(stack, report, "build")
    assert "builds its images without a Docker daemon" in log
    assert "executor: --context=dir:///builds/" in log
    assert f"--destination={REGISTRY}/group/project:main" in log

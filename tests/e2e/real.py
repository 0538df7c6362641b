"""A stack whose Airflow uses a real Kubernetes, with the account of `docker/kubernetes/`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config, utils
from kubernetes.client.exceptions import ApiException

from clusters.target import Target
from e2e.embedded import Stack
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack
from processes.waiting import wait_until
from servers.git_http import git_server
from servers.repositories import make_repository
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server

MANIFESTS = Path(__file__).parents[2] / "docker" / "kubernetes"
NAMESPACE, ACCOUNT = "gitlab-ci", "gitlab-ci-airflow"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"


@dataclass(frozen=True)
class World:
    """A stack whose jobs run on the real cluster."""

    stack: Stack
    core: client.CoreV1Api
    url: str
    target: Target

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run the pipeline; returns its report."""
        done = self.stack.command("run", self.url, "--json", *arguments)
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def asked(self) -> list[dict[str, Any]]:
        """List what Airflow has asked the API server for so far, by the audit log."""
        assert self.target.audit
        lines = self.target.audit.read_text().splitlines()
        return [one for one in map(json.loads, lines) if one["user"]["username"] == USER]

    def left(self) -> list[str]:
        """List what jobs have left in their namespace."""
        pods = self.core.list_namespaced_pod(NAMESPACE).items
        secrets = self.core.list_namespaced_secret(NAMESPACE).items
        return [one.metadata.name for one in [*pods, *secrets] if _of_a_job(one)]


def _of_a_job(one: Any) -> bool:
    return not str(getattr(one, "type", "")).startswith("kubernetes.io/")


@contextmanager
def real_world(target: Target, folder: Path, pipeline: str) -> Iterator[World]:
    """Start a stack whose jobs run on a cluster, with git and S3 of this machine."""
    api = config.new_client_from_config(str(target.kubeconfig))
    make_repository(folder / "served" / "group" / "project", {".gitlab-ci.yml": pipeline})
    kubeconfig = folder / "kubeconfig"
    with (
        git_server(folder / "served") as git,
        s3_server(folder / "s3") as s3,
        _namespace(api),
        pytest.MonkeyPatch.context() as patch,
    ):
        kubeconfig.write_text(json.dumps(_of_account(target.kubeconfig, _token(api))))
        for name, value in _environment(kubeconfig, s3).items():
            patch.setenv(name, value)
        home = Home(folder / "home")
        with running_stack(home, StackOptions()) as state:
            stack = Stack(home, AirflowApi(state.access))
            yield World(stack, client.CoreV1Api(api), git.url("group/project"), target)


def _environment(kubeconfig: Path, s3: S3Server) -> Mapping[str, str]:
    """Have the stack's Airflow use other connections than the stack's own."""
    kubernetes = {"kube_config_path": str(kubeconfig), "namespace": NAMESPACE}
    endpoint = s3.target().endpoint_url
    store = {"endpoint_url": endpoint, "region_name": "us-east-1", "bucket": BUCKET}
    login = {"login": ACCESS_KEY, "password": SECRET_KEY}
    return {
        "AIRFLOW__GITLAB_CI__KUBERNETES_CONN_ID": "real",
        "AIRFLOW__GITLAB_CI__OBJECT_STORE_CONN_ID": "real_store",
        "AIRFLOW_CONN_REAL": json.dumps({"conn_type": "kubernetes", "extra": kubernetes}),
        "AIRFLOW_CONN_REAL_STORE": json.dumps(
            {"conn_type": "aws", **login, "extra": {**store, "path_style": True}}
        ),
    }


@contextmanager
def _namespace(api: client.ApiClient) -> Iterator[None]:
    """Apply the manifests, and delete their namespace in the end."""
    core = client.CoreV1Api(api)
    for name in yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["resources"]:
        utils.create_from_yaml(api, str(MANIFESTS / name))
    wait_until(lambda: _takes_pods(core), f"namespace {NAMESPACE}")
    yield
    core.delete_namespace(NAMESPACE)


def _takes_pods(core: client.CoreV1Api) -> bool:
    """Tell whether pods can be created: a new namespace first gets the account that they run as."""
    trial = client.V1Pod(
        metadata=client.V1ObjectMeta(name="trial"),
        spec=client.V1PodSpec(containers=[client.V1Container(name="trial", image="trial")]),
    )
    try:
        core.create_namespaced_pod(NAMESPACE, trial, dry_run="All")
    except ApiException:
        return False
    return True


def _token(api: client.ApiClient) -> str:
    wanted = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    core = client.CoreV1Api(api)
    made = core.create_namespaced_service_account_token(ACCOUNT, NAMESPACE, wanted)
    return str(made.status.token)


def _of_account(kubeconfig: Path, token: str) -> Any:
    content = yaml.safe_load(kubeconfig.read_text())
    content["users"][0]["user"] = {"token": token}
    return content

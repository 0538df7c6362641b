"""Where the jobs of a stack run that uses a real Kubernetes, and what they reach from there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config, utils
from kubernetes.client.exceptions import ApiException

from clusters.target import Target
from processes.waiting import wait_until
from servers.git_http import git_server
from servers.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, s3_server

MANIFESTS = Path(__file__).parents[2] / "docker" / "kubernetes"
ACCOUNT = "gitlab-ci-airflow"


@dataclass(frozen=True)
class Place:
    """A namespace of a real Kubernetes, with git and S3 of this machine.

    Attributes:
        kubeconfig: an administrator's.
        account: the kubeconfig of Airflow, which has the account of `docker/kubernetes/`.
        served: the folder whose repositories are at the address `git`.
        environment: what makes an Airflow use all this.
    """

    kubeconfig: str
    account: str
    namespace: str
    bucket: str
    served: str
    git: str
    environment: Mapping[str, str]

    def serve(self, repository: Path) -> str:
        """Give a repository an address, as project `local/NAME`, as a local one has."""
        link = Path(self.served) / "local" / repository.name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(repository.resolve())
        return f"{self.git}local/{repository.name}"

    @property
    def user(self) -> str:
        """Who Airflow is to the API server."""
        return f"system:serviceaccount:{self.namespace}:{ACCOUNT}"

    @cached_property
    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(config.new_client_from_config(self.kubeconfig))

    def text(self) -> str:
        """Write it down for another process."""
        return json.dumps(asdict(self))


@contextmanager
def real_place(target: Target, folder: Path) -> Iterator[Place]:
    """Make a namespace with the manifests, and serve repositories and a bucket from a folder."""
    api = config.new_client_from_config(str(target.kubeconfig))
    namespace = f"gitlab-ci-{uuid.uuid4().hex[:6]}"
    served = folder / "served"
    served.mkdir()
    with (
        git_server(served) as git,
        s3_server(folder / "s3") as s3,
        jobs_namespace(api, namespace),
    ):
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(kubeconfig_of(target.kubeconfig, api, (namespace, ACCOUNT)))
        yield Place(
            kubeconfig=str(target.kubeconfig),
            account=str(kubeconfig),
            namespace=namespace,
            bucket=str(s3.bucket),
            served=str(served),
            git=git.url(""),
            environment=_environment(kubeconfig, namespace, s3),
        )


def _environment(kubeconfig: Path, namespace: str, s3: S3Server) -> Mapping[str, str]:
    """Have the stack's Airflow use other connections than the stack's own."""
    kubernetes = {"kube_config_path": str(kubeconfig), "namespace": namespace}
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
def jobs_namespace(api: client.ApiClient, name: str) -> Iterator[None]:
    """Apply the manifests to a namespace of their own, and delete it in the end."""
    core = client.CoreV1Api(api)
    for file in yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["resources"]:
        text = (MANIFESTS / file).read_text()
        for manifest in yaml.safe_load_all(text):
            utils.create_from_dict(api, _moved(manifest, name))
    wait_until(lambda: takes_pods(core, name), f"namespace {name}")
    yield
    core.delete_namespace(name)


def _moved(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Put a manifest into a namespace, as kustomize does."""
    metadata = manifest["metadata"]
    metadata["name" if manifest["kind"] == "Namespace" else "namespace"] = namespace
    for subject in manifest.get("subjects", ()):
        subject["namespace"] = namespace
    return manifest


def takes_pods(core: client.CoreV1Api, namespace: str, account: str = "default") -> bool:
    """Tell whether pods can be created: the account that they run as first gets its token."""
    trial = client.V1Pod(
        metadata=client.V1ObjectMeta(name="trial"),
        spec=client.V1PodSpec(
            containers=[client.V1Container(name="trial", image="trial")],
            service_account_name=account,
        ),
    )
    try:
        core.create_namespaced_pod(namespace, trial, dry_run="All")
    except ApiException:
        return False
    return True


def kubeconfig_of(kubeconfig: Path, api: client.ApiClient, account: tuple[str, str]) -> str:
    """Write a kubeconfig with a token of an account, which its namespace and its name tell."""
    wanted = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    namespace, name = account
    core = client.CoreV1Api(api)
    made = core.create_namespaced_service_account_token(name, namespace, wanted)
    content: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    content["users"][0]["user"] = {"token": made.status.token}
    return json.dumps(content)

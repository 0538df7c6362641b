"""A cluster of the tests' own and a small client that sees every byte of its answers."""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from processes.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    import httpx
    from kubernetes import client

ROOT = Path(__file__).parents[3]
MODULE = "gitlab_ci_cluster"
HELPER_IMAGE = "gitlab-ci-helper:local"
CLUSTERS_OWN = ("default-token-", "kube-root-ca.crt", "openshift-service-ca.crt")
"""Begins the names of what a cluster itself puts into each namespace."""

RECORDED = pytest.mark.embedded("it is compared with recordings of Kubernetes 1.36")
SIDECARS = pytest.mark.needs_kubernetes("1.29", "native sidecars")


def shared_folder() -> Path:
    """Find the recordings of a real Kubernetes, or skip."""
    folder = Path(os.environ.get("GITLAB_CI_SHARED", ROOT.parent / "shared"))
    recordings = folder / "kubernetes" / "recordings"
    if not recordings.is_dir():
        pytest.skip("no recordings of a real Kubernetes: set GITLAB_CI_SHARED")
    return recordings


def recording(name: str) -> Any:
    """Read one recording."""
    return json.loads((shared_folder() / name).read_text())


@dataclass
class Cluster:
    """A running cluster."""

    kubeconfig: Path

    def api(self) -> Api:
        return Api(self.kubeconfig)


@dataclass
class EmbeddedCluster(Cluster):
    """A running embedded cluster."""

    process: subprocess.Popen[bytes]
    directory: Path
    log: Path

    def stop(self, number: int = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Send a signal and wait; return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


def start_cluster(
    directory: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = (),
) -> EmbeddedCluster:
    """Start a cluster, by another command than ours if that is given; wait until it is ready."""
    log = directory.with_suffix(".log")
    (directory / "kubeconfig").unlink(missing_ok=True)  # of one that was killed a moment ago
    command = command or [sys.executable, "-m", MODULE, "--dir", str(directory), *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **(environment or {})}
        )
    cluster = EmbeddedCluster(directory / "kubeconfig", process, directory, log)
    while not cluster.kubeconfig.exists():
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(log.read_text())
    return cluster


class Api:
    """A client for one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str = "default"):
        import httpx

        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self.server = cluster["server"]
        self.token = config["users"][0]["user"]["token"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.tls = ssl.create_default_context(cadata=authority)
        self.http = httpx.Client(
            base_url=self.server,
            verify=self.tls,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=PATIENCE,
        )
        self.namespace = namespace
        self._kubeconfig = kubeconfig

    def close(self) -> None:
        self.http.close()

    def core(self) -> client.CoreV1Api:
        """Make the official client."""
        from kubernetes import client, config

        return client.CoreV1Api(config.new_client_from_config(str(self._kubeconfig)))

    def make_namespace(self) -> None:
        """Make the namespace, and wait until it takes pods: they need its service account."""
        self.http.post("/api/v1/namespaces", json={"metadata": {"name": self.namespace}})
        trial, dry = pod("trial"), {"dryRun": "All"}
        wait_until(
            lambda: self.http.post(self.path("pods"), json=trial, params=dry).is_success,
            f"namespace {self.namespace}",
        )

    def path(self, plural: str, *parts: str) -> str:
        return "/".join([f"/api/v1/namespaces/{self.namespace}/{plural}", *parts])

    def create(self, plural: str, obj: dict[str, Any], **params: Any) -> dict[str, Any]:
        """Create an object and return it."""
        answer = self.http.post(self.path(plural), json=obj, params=params)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, plural: str, name: str) -> dict[str, Any]:
        return self.http.get(self.path(plural, name)).json()

    def names(self, plural: str, **params: Any) -> list[str]:
        items = self.http.get(self.path(plural), params=params).json()["items"]
        names = [item["metadata"]["name"] for item in items]
        return [name for name in names if not name.startswith(CLUSTERS_OWN)]

    def delete(self, plural: str, name: str, **params: Any) -> httpx.Response:
        return self.http.delete(self.path(plural, name), params=params)

    def patch(
        self, plural: str, name: str, body: Any, kind: str = "merge-patch+json"
    ) -> httpx.Response:
        headers = {"Content-Type": f"application/{kind}"}
        return self.http.patch(self.path(plural, name), content=json.dumps(body), headers=headers)

    @contextmanager
    def watch(self, plural: str, **params: Any):
        """Open a watch; return an iterator over its events."""
        params = {"watch": "true", "timeoutSeconds": PATIENCE, **params}
        with self.http.stream("GET", self.path(plural), params=params) as response:
            assert response.status_code == 200, response.read()
            yield (json.loads(line) for line in response.iter_lines())

    def wait(
        self, name: str, test: Callable[[dict[str, Any]], object], plural: str = "pods"
    ) -> dict[str, Any]:
        """Wait until an object passes a test; return it."""
        with self.watch(plural, fieldSelector=f"metadata.name={name}") as events:
            for event in events:
                if event["type"] != "DELETED" and test(event["object"]):
                    return event["object"]
        raise AssertionError(f"{name} never came so far: {self.get(plural, name)}")

    def wait_gone(self, name: str):
        """Wait until a pod has been deleted."""
        version = self.http.get(self.path("pods")).json()["metadata"]["resourceVersion"]
        if self.http.get(self.path("pods", name)).status_code == 404:
            return
        selector = f"metadata.name={name}"
        with self.watch("pods", fieldSelector=selector, resourceVersion=version) as events:
            assert any(event["type"] == "DELETED" for event in events)

    def run(self, name: str, script: str, **spec: Any) -> dict[str, Any]:
        """Run a pod with one container to its end; return the pod."""
        self.create("pods", pod(name, script, **spec))
        return self.wait(name, has_ended)

    def log(self, name: str, **params: Any) -> bytes:
        """Read a log; return its bytes."""
        answer = self.http.get(self.path("pods", name, "log"), params=params)
        assert answer.status_code == 200, answer.text
        return answer.content

    def output(self, name: str, script: str, **spec: Any) -> str:
        """Run a pod that must succeed; return what it wrote."""
        ended = self.run(name, script, **spec)
        text = self.log(name).decode()
        assert ended["status"]["phase"] == "Succeeded", (text, ended["status"])
        return text

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """List type, reason and message of the events about a pod."""
        params = {"fieldSelector": f"involvedObject.name={name}"}
        items = self.http.get(self.path("events"), params=params).json()["items"]
        return [(item["type"], item["reason"], item["message"]) for item in items]


def pod(
    name: str, script: str = "true", *, container: dict[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    """Make a pod with one container, `main`, that runs a shell script."""
    main = {"name": "main", "image": "test", "command": ["sh", "-c", script], **(container or {})}
    return {
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [main],
            **spec,
        },
    }


def has_ended(obj: dict[str, Any]) -> bool:
    return obj["status"]["phase"] in {"Succeeded", "Failed"}


def is_running(obj: dict[str, Any]) -> bool:
    return obj["status"]["phase"] == "Running"


def state_of(obj: dict[str, Any], container: str = "main") -> dict[str, Any]:
    """Return the state of a container of a pod."""
    statuses = [
        *obj["status"].get("initContainerStatuses", []),
        *obj["status"].get("containerStatuses", []),
    ]
    return next((one["state"] for one in statuses if one["name"] == container), {})


def refused(cluster: Cluster) -> bool:
    """Return whether nobody answers where a cluster was."""
    import httpx

    api = cluster.api()
    try:
        api.http.get("/version")
    except httpx.TransportError:  # a connection may be cut while it is made
        return True
    finally:
        api.close()
    return False


def processes_with(text: str, user: str = "") -> list[str]:
    """List the processes whose command line has a text, of all users or of one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes() and user in {"", path.owner()}:
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def wait_for_end(directory: Path):
    """Wait until all processes of a cluster have released its lock."""
    subprocess.run(["flock", str(directory / "lock"), "true"], check=True, timeout=PATIENCE)

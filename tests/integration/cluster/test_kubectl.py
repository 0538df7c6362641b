"""kubectl, unmodified: what people type."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.cluster.support import Api, Cluster, has_ended, is_running, pod
from processes.waiting import PATIENCE

KUBECTL = os.environ.get("GITLAB_CI_KUBECTL") or shutil.which("kubectl") or ""

pytestmark = pytest.mark.skipif(
    not KUBECTL, reason="no kubectl on this machine: set GITLAB_CI_KUBECTL"
)


@pytest.fixture
def kubectl(cluster: Cluster, api: Api) -> Callable[..., str]:
    """Run kubectl in the test's namespace; return what it prints."""

    def run(*arguments: str, stdin: str | None = None, code: int = 0) -> str:
        command = [KUBECTL, "--kubeconfig", str(cluster.kubeconfig), "-n", api.namespace]
        done = subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: x}}
spec:
  restartPolicy: Never
  containers:
  - {name: main, image: alpine, command: [sh, -c, "echo hello; exit 3"]}
"""


def test_apply_wait_get_and_delete(kubectl: Callable[..., str]):
    """A manifest is applied, applied again, waited for, shown in every form, and deleted."""
    assert kubectl("apply", "-f", "-", stdin=MANIFEST) == "pod/one created\n"
    assert kubectl("apply", "-f", "-", stdin=MANIFEST) == "pod/one unchanged\n"
    kubectl("wait", "pod/one", "--for=jsonpath={.status.phase}=Failed", "--timeout=300s")

    row = kubectl("get", "pods", "--no-headers").split()
    assert row[:4] == ["one", "0/1", "Error", "0"]
    wide = kubectl("get", "pods", "-o", "wide").splitlines()[0].split()
    assert wide[:6] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP"]
    assert "exitCode: 3" in kubectl("get", "pod", "one", "-o", "yaml")
    assert '"exitCode": 3' in kubectl("get", "pod", "one", "-o", "json")
    assert kubectl("get", "pods", "-l", "app=x", "-o", "name") == "pod/one\n"
    assert "deleted" in kubectl("delete", "pod", "one")
    assert 'pods "one" not found' in kubectl("get", "pod", "one", code=1)


@pytest.mark.needs_kubernetes("1.25", "field validation by the server")
def test_unknown_fields_are_refused_by_the_server(kubectl: Callable[..., str]):
    """Kubectl leaves checking to the server, which knows the types."""
    wrong = MANIFEST.replace("restartPolicy", "restartPolcy")

    assert 'unknown field "spec.restartPolcy"' in kubectl("apply", "-f", "-", stdin=wrong, code=1)


def test_describe_tells_the_story(kubectl: Callable[..., str], api: Api):
    """States, exit codes and events are all there."""
    api.run("one", "exit 3")
    text = kubectl("describe", "pod", "one")

    for words in (
        "Exit Code:    3",
        "Reason:       Error",
        "Successfully assigned",
        "PodScheduled",
    ):
        assert words in text


@pytest.mark.embedded("it is about its own words")
def test_events_are_listed(kubectl: Callable[..., str], api: Api):
    """All of a pod's, and those of the namespace."""
    api.run("one", "exit 3")

    assert "ImageNotHonoured" in kubectl("events", "--for", "pod/one")
    assert "Container started" in kubectl("get", "events")


def test_logs_are_followed(kubectl: Callable[..., str], api: Api):
    """`-f`, `-c`, `--tail`, `--timestamps` and all containers."""
    spec = pod("one", "for i in 1 2 3; do echo $i; sleep 0.1; done")
    init = {"name": "before", "image": "x", "command": ["echo", "init"]}
    spec["spec"]["initContainers"] = [init]
    api.create("pods", spec)
    api.wait("one", lambda one: is_running(one) or has_ended(one))

    assert kubectl("logs", "-f", "one") == "1\n2\n3\n"
    assert kubectl("logs", "one", "-c", "before") == "init\n"
    assert kubectl("logs", "one", "--tail=1", "--timestamps").endswith("Z 3\n")
    assert "[pod/one/before] init" in kubectl("logs", "one", "--all-containers", "--prefix")


def test_exec_and_copy(kubectl: Callable[..., str], api: Api, tmp_path: Path):
    """Commands get input and give exit codes; files are copied out."""
    api.create("pods", pod("one", "echo copied >/tmp/file; sleep 60"))
    kubectl("wait", "pod/one", "--for=condition=Ready", "--timeout=300s")

    assert kubectl("exec", "one", "--", "echo", "hi") == "hi\n"
    assert kubectl("exec", "-i", "one", "--", "cat", stdin="in") == "in"
    assert "exit code 7" in kubectl("exec", "one", "--", "sh", "-c", "exit 7", code=7)
    kubectl("cp", f"{api.namespace}/one:/tmp/file", str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "copied\n"


def test_watching_prints_each_change(cluster: Cluster, api: Api):
    """`get --watch` prints a row for each step of a pod's life."""
    command = [KUBECTL, "--kubeconfig", str(cluster.kubeconfig), "-n", api.namespace]
    arguments = ["get", "pods", "--watch", "--no-headers", "--request-timeout=3s"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as watching:
        api.run("one", "sleep 0.3")
        statuses = []
        assert watching.stdout is not None
        for line in watching.stdout:
            statuses.append(line.split()[2])
            if statuses[-1] == "Completed":
                break
        watching.terminate()

    assert statuses[-2:] == ["Running", "Completed"] or "Completed" in statuses


def test_small_objects_are_created(kubectl: Callable[..., str]):
    """Secrets, ConfigMaps, namespaces and accounts, which kubectl sends as protobuf."""
    kubectl("create", "secret", "generic", "s", "--from-literal=k=v")
    kubectl("create", "configmap", "c", "--from-literal=k=v")
    kubectl("create", "serviceaccount", "a")
    kubectl("label", "configmap", "c", "x=y")

    assert kubectl("get", "secret", "s", "-o", "jsonpath={.data.k}") == "dg=="
    assert kubectl("get", "configmap", "c", "-o", "jsonpath={.data.k}") == "v"
    assert "k:  1 bytes" in kubectl("describe", "secret", "s")
    assert kubectl("get", "all") == ""


@pytest.mark.embedded("it says that it is version 1.36")
def test_server_is_seen_as_kubernetes(kubectl: Callable[..., str]):
    """Versions, resources, nodes and namespaces."""
    assert "Server Version: v1.36" in kubectl("version")
    assert "pods" in kubectl("api-resources")
    assert "Ready" in kubectl("get", "nodes")
    assert "Allocatable" in kubectl("describe", "node")
    assert "Active" in kubectl("get", "namespaces")

"""What `docs/how-to/real-cluster.md` does with a cluster, typed as it stands, on a real Kubernetes.

Neither a registry nor Docker's engine is here: `docker build` is buildah, and `docker push` loads
the image into the node, under the name that the page gives it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from clusters.layout import build_folder
from clusters.target import Target, read_target
from integration.images.page import Block, consoles
from integration.images.support import ROOT, SCRIPT, Image
from processes.waiting import wait_until

PAGE = ROOT / "docs" / "how-to" / "real-cluster.md"
NAMESPACE = "gitlab-ci"
IMAGE = "registry.example.com/gitlab-ci-helper:0.1.0"
DOCKER = """#!/usr/bin/env bash
set -euo pipefail
case $1 in
  build)
    shift
    kept=${{GITLAB_CI_TESTS_IMAGES:-$HOME/.cache/gitlab-ci-provider-tests/images}}
    secrets=(--secret "id=pip.conf,src=$kept/pip.conf" --secret "id=pip.ca,src=$kept/pip.ca")
    exec {script} buildah build --quiet --layers --pull-never "${{secrets[@]}}" "$@"
    ;;
  push)
    {script} podman save --quiet --format oci-archive --output {archive} "$2"
    exec nsenter --target {pid} --mount --net {ctr} -n k8s.io images import {archive}
    ;;
esac
"""

pytestmark = pytest.mark.real("the page is about one")


@pytest.fixture
def target(pytestconfig: pytest.Config) -> Iterator[Target]:
    """The cluster, without anything of the page, before and afterwards."""
    found = read_target(Path(pytestconfig.option.kubeconfig))
    if found.stopped is None:
        pytest.skip("nobody here can load images into this cluster's nodes")
    with config.new_client_from_config(str(found.kubeconfig)) as api:
        core = client.CoreV1Api(api)
        wait_until(lambda: not _is_there(core), "the end of an earlier namespace")
        yield found
        if _is_there(core):
            core.delete_namespace(NAMESPACE)
        wait_until(lambda: not _is_there(core), "the end of the namespace")


def _is_there(core: client.CoreV1Api) -> bool:
    return NAMESPACE in {one.metadata.name for one in core.list_namespace().items}


@pytest.fixture
def shell(target: Target, helper_image: Image, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """A shell with the programs that the page uses."""
    assert helper_image.name  # built already: its base is there, and how pip reaches its packages
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "kubectl").symlink_to(build_folder() / "bin" / "kubectl")
    docker = folder / "docker"
    archive, ctr = tmp_path / "helper.tar", build_folder() / "bin" / "ctr"
    docker.write_text(
        DOCKER.format(script=SCRIPT[-1], archive=archive, pid=_first_process(target), ctr=ctr)
    )
    docker.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    yield {**os.environ, "PATH": path, "KUBECONFIG": str(target.kubeconfig)}
    subprocess.run([*SCRIPT, "podman", "untag", IMAGE], check=False, capture_output=True)


def _first_process(target: Target) -> int:
    """Find the process in whose namespaces the cluster lives."""
    folder = str(target.kubeconfig.parent)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended
            continue
        if "clusters.supervisor" in words and folder in words and words[0] != "unshare":
            return int(path.parent.name)
    raise AssertionError(f"nothing runs the cluster in {folder}")


def test_the_namespace_the_account_and_the_image(
    target: Target, shell: Mapping[str, str], tmp_path: Path
):
    """The kubeconfig of the page has the rights of the Role, and a node has the helper image."""
    (tmp_path / "airflow").mkdir()
    blocks = consoles(PAGE, {"/etc/airflow": str(tmp_path / "airflow")})

    for block in blocks:
        if block.program in {"kubectl", "docker"}:
            block.type(shell)

    kubeconfig = tmp_path / "airflow" / "kubeconfig"
    with config.new_client_from_config(str(kubeconfig)) as api:
        core = client.CoreV1Api(api)
        assert core.list_namespaced_pod(NAMESPACE).items == []
        with pytest.raises(ApiException, match="Forbidden"):
            core.list_namespaced_secret(NAMESPACE)
    typed = "$ kubectl run trial -n gitlab-ci --restart Never --image-pull-policy Never "
    Block(f"{typed} --image {IMAGE} -- --version").type(shell)
    with config.new_client_from_config(str(target.kubeconfig)) as api:
        core = client.CoreV1Api(api)
        wait_until(lambda: _phase(core) in {"Succeeded", "Failed"}, "the pod")
        assert _phase(core) == "Succeeded"


def _phase(core: client.CoreV1Api) -> str:
    return str(core.read_namespaced_pod("trial", NAMESPACE).status.phase)

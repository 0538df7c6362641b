"""Pipelines on a real Kubernetes, with nothing but the manifests in `docker/kubernetes/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters.target import read_target
from e2e.real import World, real_world
from processes.waiting import wait_until

PIPELINE = """
stages: [build, test, deploy]
default:
  image: debian:12
build:
  stage: build
  cache: {key: k, paths: [kept/]}
  script:
    - test -z "$SECOND" || cat kept/date
    - mkdir -p kept out && date >kept/date && echo built >out/file && echo "NAME=seven" >build.env
    - test "$(cat /proc/self/status | grep -c 'NoNewPrivs:.1')" = 1
  artifacts: {paths: [out/], reports: {dotenv: build.env}}
busybox:
  stage: test
  image: busybox:1.36
  script: [cat out/file, 'echo "name is $NAME"', '! command -v git']
other user:
  stage: test
  image: {name: debian:12, kubernetes: {user: "1000:1000"}}
  script: ['test "$(id -u)" = 1000', cat out/file, echo "#" >>.gitlab-ci.yml, touch new]
fails:
  stage: test
  script: [exit 7]
  after_script: [echo "after $CI_JOB_STATUS"]
  allow_failure: true
many:
  stage: test
  parallel: 4
  script: ['echo "$CI_NODE_INDEX of $CI_NODE_TOTAL"']
grouped:
  stage: deploy
  resource_group: production
  script: [echo deployed]
no image:
  stage: deploy
  image: registry.test/private/x:1
  script: [echo never]
  allow_failure: true
"""

pytestmark = pytest.mark.real("it is about RBAC, images and a kubelet")


@pytest.fixture(scope="module")
def world(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack whose jobs run on the cluster of the tests."""
    target = read_target(Path(pytestconfig.option.kubeconfig))
    with real_world(target, tmp_path_factory.mktemp("real"), PIPELINE) as started:
        yield started


def test_a_pipeline_passes_with_the_manifests(world: World):
    """Images, users, cache, artifacts, reports and a resource group; nothing is left behind."""
    report = world.run()
    again = world.run("--var", "SECOND=1")

    jobs = {name: job["status"] for name, job in report["jobs"].items()}
    assert report["status"] == again["status"] == "passed", report
    assert {name for name, status in jobs.items() if status == "failed"} == {"fails", "no image"}
    assert report["jobs"]["fails"]["exit_code"] == 7
    wait_until(lambda: world.left() == [], "the end of all pods and Secrets")


def test_nothing_was_refused(world: World):
    """The account of the manifests may do all that the pipelines above have asked for."""
    if world.target.audit is None:
        pytest.skip("this cluster shows no audit log")
    asked = world.asked()

    assert asked
    assert [one for one in asked if one["responseStatus"]["code"] == 403] == []

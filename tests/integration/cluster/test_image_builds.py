"""Images that are really built, in pods, and pushed to a real registry."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from gitlab_ci_provider.hooks.object_store import read_object
from integration.cluster.image_builds import Builds, task_context
from processes.waiting import wait_until
from servers.image_registry import Registry
from servers.s3 import S3Server, s3_server

pytest.importorskip("airflow.providers.cncf.kubernetes")

LAYER = "GITLAB_CI_TESTS_LAYER"
"""Names how many mebibytes the large layer has."""

WORK = "GITLAB_CI_TESTS_WORK"
"""Names how many mebibytes of random bytes the cached command draws, to take its time."""

MIB = 1024 * 1024
DOCKERFILE = """\
FROM BASE AS builder
ARG VERSION=none
COPY . /src
RUN echo "$VERSION" >/version && ls /src >/listing
FROM BASE
LABEL kind=test
COPY --from=builder /version /listing /
"""


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    with s3_server(tmp_path / "s3") as running:
        yield running


def test_an_image_is_built_and_pushed(builds: Builds, registry: Registry):
    """Stages, build arguments and .dockerignore work; the digest is the registry's."""
    builds.write({"Dockerfile": DOCKERFILE, "kept": "", "left": "", ".dockerignore": "left\n"})

    tags = [f"{registry.host}/group/app:{tag}" for tag in ("1.0", "latest")]
    built = builds.run(
        destinations=tags, build_args={"VERSION": "1.0"}, image_labels={"revision": "abc"}
    )

    digest = registry.digest("group/app", "1.0")
    assert built == {
        "image": f"{registry.host}/group/app@{digest}",
        "digest": digest,
        "tags": tags,
    }
    assert registry.digest("group/app", "latest") == digest
    files = registry.files("group/app", "1.0")
    assert files["version"] == b"1.0\n"
    assert b"kept" in files["listing"]
    assert b"left" not in files["listing"]
    labels = registry.config("group/app", "1.0")["config"]["Labels"]
    assert (labels["kind"], labels["revision"]) == ("test", "abc")
    assert builds.api.names("pods") == []


def test_a_second_build_takes_its_layers_from_the_cache(
    builds: Builds, registry: Registry, capsys: pytest.CaptureFixture[str]
):
    """Layers are in the cache's repository; another pod, with an empty store, runs no RUN again."""
    work = f"dd if=/dev/urandom of=/dev/null bs=1048576 count={os.environ.get(WORK, '1')}"
    run = f"RUN {work} && echo built >/built && echo ran-the-command"
    builds.write({"Dockerfile": f"FROM BASE\n{run}\n"})
    tags = [f"{registry.host}/group/cached:1"]

    logs, seconds = [], []
    for _ in range(2):
        begun = time.monotonic()
        builds.run(destinations=tags, cache=True)
        seconds.append(time.monotonic() - begun)
        logs.append(_said(capsys.readouterr().out))
    with capsys.disabled():
        print(f"\nfirst build {seconds[0]:.1f} s, second {seconds[1]:.1f} s")  # noqa: T201 - for people

    layers = registry.tags("group/cached/cache")
    assert layers
    # What is pruned; BuildKit keeps its cache in a tag that each build replaces.
    name = "latest" if builds.builder.engine == "buildkit" else "[0-9a-f]{64}"
    assert all(re.fullmatch(name, tag) for tag in layers)
    assert "\nran-the-command" in logs[0]
    assert "\nran-the-command" not in logs[1]
    assert registry.files("group/cached", "1")["built"] == b"built\n"


def test_a_failing_command_is_in_the_log_and_in_the_error(
    builds: Builds, capsys: pytest.CaptureFixture[str]
):
    """The log shows the Dockerfile's line and what it printed; the task fails in one line."""
    builds.write({"Dockerfile": "FROM BASE\nRUN echo before-the-end && sh -c 'exit 7'\n"})

    with pytest.raises(Exception, match="command of the Dockerfile"):
        builds.run()

    said = _said(capsys.readouterr().out)
    assert "RUN echo before-the-end && sh -c 'exit 7'" in said
    assert "\nbefore-the-end" in said


def test_a_layer_may_be_larger_than_the_memory(builds: Builds, registry: Registry):
    """Nothing of a layer is held in memory: a build keeps within a limit far below its size."""
    if builds.builder.image == "buildah:local":
        pytest.skip("takes half a minute, which containers that are processes do not repay")
    mebibytes = int(os.environ.get(LAYER, "256"))
    fill = f"dd if=/dev/urandom of=/layer bs=1048576 count={mebibytes}"
    builds.write({"Dockerfile": f"FROM BASE\nRUN {fill}\n"})
    limit = k8s.V1ResourceRequirements(limits={"memory": "192Mi"})

    builds.run(container_resources=limit, destinations=[f"{registry.host}/group/large:1"])

    assert registry.size("group/large", "1") > mebibytes * MIB


def test_a_missing_dockerfile_is_named(builds: Builds):
    """The error says what is not there."""
    with pytest.raises(Exception, match=r"no Dockerfile where (it|the build) looks"):
        builds.run(dockerfile="docker/Dockerfile")


def test_a_missing_base_image_is_named(builds: Builds, registry: Registry):
    """The registry has no such image: the error leads to the FROM lines."""
    builds.write({"Dockerfile": f"FROM {registry.host}/missing:1\n"})

    with pytest.raises(Exception, match="has no such image: check the FROM lines"):
        builds.run()


def test_build_secrets_are_files_that_no_layer_holds(
    builds: Builds, registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    """`RUN --mount=type=secret` reads the value of an Airflow Variable; the image lacks it."""
    monkeypatch.setenv("AIRFLOW_VAR_NPM_TOKEN", "s3cret-of-the-build")
    run = "RUN --mount=type=secret,id=npm cat /run/secrets/npm | wc -c >/size\n"
    builds.write({"Dockerfile": f"FROM BASE\n{run}"})

    builds.run(build_secrets={"npm": "npm_token"})

    files = registry.files("group/app", "1")
    assert files["size"].strip() == b"19"
    assert not any(b"s3cret-of-the-build" in content for content in files.values())


def test_the_triggerer_can_wait_for_a_build(builds: Builds, registry: Registry):
    """Deferred, the task leaves after the pod's creation, and returns the same afterwards."""
    from airflow.sdk.exceptions import TaskDeferred

    builds.write({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})
    tags = [f"{registry.host}/group/deferred:1"]
    context = task_context()
    with pytest.raises(TaskDeferred) as deferred:
        builds.operator(deferrable=True, destinations=tags).execute(context)
    trigger = deferred.value.trigger

    async def event() -> Any:
        return await anext(aiter(trigger.run()))

    told = asyncio.run(event()).payload
    built = builds.operator(deferrable=True, destinations=tags).trigger_reentry(context, told)

    assert built["digest"] == registry.digest("group/deferred", "1")
    assert built["image"] == f"{registry.host}/group/deferred@{built['digest']}"
    assert builds.api.names("pods") == []


def test_the_artifact_is_what_the_task_returns(
    builds: Builds, s3: S3Server, monkeypatch: pytest.MonkeyPatch
):
    """`image.json` is in the object store, under the names of DAG, run and task."""
    target = s3.target()
    connection = {
        "conn_type": "aws",
        "login": target.access_key,
        "password": target.secret_key,
        "extra": {"bucket": target.bucket, "endpoint_url": target.endpoint_url},
    }
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(connection))
    builds.write({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"})

    built = builds.run(object_store_conn_id="store")

    assert json.loads(read_object(target, "images/d/r1/build/-1/image.json")) == built


def test_a_pod_that_gets_no_secret_is_not_left(builds: Builds, monkeypatch: pytest.MonkeyPatch):
    """It would wait for its Secret forever: whatever keeps that from it, the pod goes."""
    operator = builds.operator()
    refused = ApiException(status=403, reason="Forbidden")
    monkeypatch.setattr(operator.client, "create_namespaced_secret", Mock(side_effect=refused))

    with pytest.raises(ApiException):
        operator.execute(task_context())

    wait_until(lambda: builds.api.names("pods") == [], "the pod's end")


def _said(log: str) -> str:
    """Return what containers have written, each line at the start of a line.

    BuildKit puts the number of the step and the time before what a command writes.
    """
    lines = (line.rpartition("[base] ")[2] for line in log.splitlines())
    return "\n" + "\n".join(re.sub(r"^#\d+ \d+\.\d+ ", "", line) for line in lines)

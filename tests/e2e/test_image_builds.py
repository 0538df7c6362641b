"""Images that are really built by jobs and tasks, through a real Airflow, in containers.

Debian's buildah builds, and stands in for Kaniko's executor where none is given; the registry is
Debian's, behind gates that want a login or refuse.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters.builders import KANIKO, Builder, serve_executor, served_builder
from clusters.target import read_target
from e2e.embedded import Stack, make_repository, podman_stack, real_stack
from e2e.logs import log_lines
from e2e.runs import ended
from processes.waiting import wait_until
from servers.image_registry import Registry, gate_to, running_registry

EXAMPLE = Path(__file__).parents[2] / "dags" / "examples" / "kaniko"
USER, PASSWORD = "group-token", 'pa"ss$%s_word'
RUNNER = {"name": "b", "run_untagged": True, "image_builds": "rewrite"}
STAND_IN = {"security": {"pod": {"seccompProfile": None}}}
"""What buildah needs of a job's pod where it stands in for Kaniko, which needs nothing."""

DAEMON = '{name: docker:28-dind, command: ["--insecure-registry=$REGISTRY"]}'
BUILD = 'docker build --file {file} --build-arg "BASE=$REGISTRY/base:1"'
JOBS = f"""
stages: [build, again]
variables: {{REGISTRY: "%s", USER_NAME: $CI_REGISTRY_USER, PASSWORD: $CI_REGISTRY_PASSWORD}}
default:
  image: docker:28
  services: [{DAEMON}]
  before_script:
    - until docker info; do sleep 1; done
    - echo "$PASSWORD" | docker login --username "$USER_NAME" --password-stdin "$REGISTRY"
app:
  stage: build
  script:
    - >
      {BUILD.format(file="Dockerfile")} --pull
      --build-arg "VERSION=1.0 of $CI_COMMIT_REF_NAME" --label kind=test
      --target app --tag "$REGISTRY/group/app:$CI_COMMIT_REF_SLUG" .
    - docker tag "$REGISTRY/group/app:$CI_COMMIT_REF_SLUG" "$REGISTRY/group/app:latest"
    - docker push "$REGISTRY/group/app:$CI_COMMIT_REF_SLUG"
    - docker push "$REGISTRY/group/app:latest"
two:
  stage: build
  script:
    - >
      docker build --file small.Dockerfile --build-arg "BASE=$REGISTRY/base@$DIGEST_OF_BASE"
      --tag "$REGISTRY/group/first:1" small
    - docker push "$REGISTRY/group/first:1"
    - docker build --build-arg "BASE=$REGISTRY/group/first:1" --tag "$REGISTRY/group/second:1" small
    - docker push "$REGISTRY/group/second:1"
cold: &cached
  stage: build
  script:
    - docker pull "$REGISTRY/group/cached:1" || true
    - >
      {BUILD.format(file="cached.Dockerfile")}
      --cache-from "$REGISTRY/group/cached:1" --tag "$REGISTRY/group/cached:1" .
    - docker push "$REGISTRY/group/cached:1"
warm: {{<<: *cached, stage: again}}
broken:
  stage: build
  allow_failure: true
  script:
    - {BUILD.format(file="broken.Dockerfile")} --tag "$REGISTRY/group/broken:1" .
    - docker push "$REGISTRY/group/broken:1"
"""
REFUSED = """
{name}:
  stage: build
  allow_failure: true
  variables: {{REGISTRY: "{host}"}}
  services: [{services}]
  script:
    - docker build --file scratch.Dockerfile --tag "$REGISTRY/group/{name}:1" .
    - docker push "$REGISTRY/group/{name}:1"
"""
FILES = {
    "Dockerfile": "ARG BASE\nFROM $BASE AS builder\nARG VERSION\nCOPY . /src\n"
    'RUN echo "$VERSION" >/version && ls /src >/listing\n'
    "FROM $BASE AS app\nCOPY --from=builder /version /listing /\n"
    "FROM $BASE\nRUN false\n",
    ".dockerignore": "left\n",
    "kept": "",
    "left": "",
    "small.Dockerfile": "ARG BASE\nFROM $BASE\nRUN echo first >/one\n",
    "small/Dockerfile": "ARG BASE\nFROM $BASE\nRUN cat /one >/two\n",
    "cached.Dockerfile": "ARG BASE\nFROM $BASE\nRUN echo built >/built && echo ran-the-command\n",
    "broken.Dockerfile": "ARG BASE\nFROM $BASE\nRUN echo before-the-end && sh -c 'exit 7'\n",
    "scratch.Dockerfile": "FROM scratch\nCOPY kept /\n",
}
TASKS = """
from airflow.sdk import dag
from kubernetes import client as k8s
from gitlab_ci_provider.operators.image_build import ImageBuildOperator

WORKSPACE = k8s.V1Volume(name="workspace", empty_dir=k8s.V1EmptyDirVolumeSource())
MOUNT = k8s.V1VolumeMount(name="workspace", mount_path="/workspace")
WRITE = k8s.V1Container(
    name="write",
    image="busybox",
    volume_mounts=[MOUNT],
    command=["sh", "-c", "cd /workspace && touch a; printf 'FROM scratch\\nCOPY a /' >Dockerfile"],
)


@dag(schedule=None)
def refusals():
    for name, (host, plain) in {hosts}.items():
        ImageBuildOperator(
            task_id=name,
            kubernetes_conn_id="{connection}",
            engine="{engine}",
            image="{image}",
            destinations=[f"{{host}}/group/app:1"],
            insecure_registries=[host] if plain else [],
            push_retries=0,
            init_containers=[WRITE],
            volumes=[WORKSPACE],
            volume_mounts=[MOUNT],
        )


refusals()
"""


@dataclass(frozen=True)
class World:
    """A stack that runs images, with registries.

    Attributes:
        kind: address of a gate to `registry` that lets in who has the login.
        unkind: by what is wrong with it, the address of a registry that refuses.
    """

    stack: Stack
    builder: Builder
    registry: Registry
    kind: str
    unkind: Mapping[str, str]

    def define(self, project: str, **values: str) -> None:
        """Give a project variables that hold the login, and others."""
        values |= {"CI_REGISTRY_USER": USER, "CI_REGISTRY_PASSWORD": PASSWORD}
        raw = [{"key": key, "value": value, "raw": True} for key, value in values.items()]
        self.stack.define(f"local/{project}", raw)

    def task_log(self, report: Mapping[str, Any], task: str) -> str:
        """Read what Airflow shows of a job."""
        api, dag, run = self.stack.api, report["dag_id"], report["run_id"]
        return "\n".join(log_lines(api, dag, run, api.tasks(dag, run)[task]))


@pytest.fixture(scope="module")
def world(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("builds")
    file = folder / "runners.yml"
    runner = RUNNER if KANIKO in os.environ else RUNNER | STAND_IN
    file.write_text(yaml.safe_dump({"runners": [runner]}))
    with ExitStack() as opened:
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("AIRFLOW__GITLAB_CI__RUNNERS_FILE", str(file))
        stack, blobs = opened.enter_context(_stack_with_images(pytestconfig, folder))
        serve_executor(blobs)
        registry = opened.enter_context(running_registry(folder / "registry"))
        registry.push_base()
        tls = opened.enter_context(running_registry(folder / "tls", tls=True))
        login = frozenset({f"{USER}:{PASSWORD}"})
        kind = opened.enter_context(gate_to(registry, logins=login))
        others = frozenset({"other:login"})
        gates = {
            "login": gate_to(registry, mood="login", logins=others),
            "forbidden": gate_to(registry, mood="forbidden"),
            "failing": gate_to(registry, mood="failing"),
        }
        unkind = {name: opened.enter_context(gate).host for name, gate in gates.items()}
        unkind["untrusted"] = tls.host
        yield World(stack, served_builder(blobs), registry, kind.host, unkind)


@contextmanager
def _stack_with_images(options: pytest.Config, folder: Path) -> Iterator[tuple[Stack, Path]]:
    """Run a stack whose pods run in images, and name the folder that they are served from."""
    if given := options.option.kubeconfig:
        target = read_target(Path(given))
        if target.images is None:
            pytest.skip("gives the cluster images, which only --kubernetes takes")
        with real_stack(target, folder) as stack:
            yield stack, target.images
        return
    with podman_stack(folder) as (stack, engine):
        yield stack, engine.images


@dataclass(frozen=True)
class Run:
    """A run of a pipeline."""

    report: Mapping[str, Any]
    logs: Path

    def log(self, job: str) -> str:
        return (self.logs / f"{job}.log").read_text()


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run jobs that are written for a Docker daemon."""
    folder = tmp_path_factory.mktemp("run")
    world.define("rewritten", DIGEST_OF_BASE=world.registry.digest("base", "1"))
    text = JOBS % world.kind
    for name, host in world.unkind.items():
        services = DAEMON if name != "untrusted" else "docker:28-dind"
        text += REFUSED.format(name=name, host=host, services=services)
    repository = make_repository(folder / "rewritten", {".gitlab-ci.yml": text, **FILES})
    report = world.stack.run(repository, "--logs-dir", str(folder / "logs"))
    return Run(report, folder / "logs")


def test_jobs_for_a_docker_daemon_build_and_push(world: World, run: Run):
    """Stages, arguments, labels, .dockerignore and both tags, as the daemon would have done it."""
    assert run.report["jobs"]["app"]["status"] == "success", run.log("app")
    assert "builds its images without a Docker daemon" in world.task_log(run.report, "app")
    files = world.registry.files("group/app", "main")
    assert files["version"] == b"1.0 of main\n"
    assert b"kept" in files["listing"]
    assert b"left" not in files["listing"]
    assert world.registry.config("group/app", "main")["config"]["Labels"]["kind"] == "test"
    digests = {world.registry.digest("group/app", tag) for tag in ("main", "latest")}
    assert len(digests) == 1
    assert PASSWORD not in run.log("app")


def test_one_job_builds_an_image_from_another(world: World, run: Run):
    """The second build begins with what the first has pushed, the first with a digest."""
    assert run.report["jobs"]["two"]["status"] == "success", run.log("two")
    assert world.registry.files("group/second", "1")["two"] == b"first\n"


def test_a_job_takes_layers_from_the_cache_of_the_last_one(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
):
    """`--cache-from` without a daemon: another pod runs no command of the Dockerfile again."""
    cold, warm = (run.report["jobs"][name]["duration"] for name in ("cold", "warm"))
    with capsys.disabled():
        print(f"\nfirst build {cold:.1f} s, second {warm:.1f} s")  # noqa: T201 - for people
    ran = re.compile("^ran-the-command", re.MULTILINE)
    assert ran.search(run.log("cold"))
    assert run.report["jobs"]["warm"]["status"] == "success", run.log("warm")
    assert not ran.search(run.log("warm"))
    assert world.registry.files("group/cached", "1")["built"] == b"built\n"


def test_a_failing_command_is_in_the_jobs_log(run: Run):
    """With the line of the Dockerfile before it."""
    assert run.report["jobs"]["broken"]["status"] == "failed"
    assert "RUN echo before-the-end && sh -c 'exit 7'" in run.log("broken")
    assert re.search("^before-the-end", run.log("broken"), re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("login", "401|unauthorized|authentication required"),
        ("forbidden", "403|denied"),
        ("failing", "500|unknown error"),
        ("untrusted", "x509"),
    ],
)
def test_a_refused_push_fails_its_job_with_the_registrys_words(run: Run, name: str, words: str):
    """Each registry refuses in its own way, which the log shows as the engine says it."""
    assert run.report["jobs"][name]["status"] == "failed", run.log(name)
    assert re.search(words, run.log(name), re.IGNORECASE), run.log(name)
    assert PASSWORD not in run.log(name)


@pytest.fixture(scope="module")
def refused(world: World) -> Mapping[str, str]:
    """Run tasks of a hand-written DAG that push where nobody lets them; their logs."""
    stack = world.stack
    hosts = {name: (host, name != "untrusted") for name, host in world.unkind.items()}
    connection = "real" if stack.place else "gitlab_ci_kubernetes"
    engine, image = world.builder.engine, world.builder.image
    text = TASKS.format(hosts=hosts, connection=connection, engine=engine, image=image)
    (stack.home.dags / "refusals.py").write_text(text)
    found = {"dag_id_pattern": "refusals"}
    wait_until(lambda: stack.api.request("GET", "/dags", params=found)["total_entries"], "the DAG")
    stack.api.request("PATCH", "/dags/refusals", json={"is_paused": False})
    run = stack.api.trigger("refusals", {})
    wait_until(lambda: ended(stack, "refusals", run), "the run", pause=1)
    tasks = stack.api.tasks("refusals", run)
    return {name: "\n".join(log_lines(stack.api, "refusals", run, tasks[name])) for name in tasks}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("login", "the registry does not accept the login (401): check user and password"),
        ("forbidden", "the login may not do this in the registry (403): pushing needs"),
        ("failing", "the registry failed, or was too busy, in each of the tries"),
        ("untrusted", "the registry's certificate is not trusted: give its certificate"),
    ],
)
def test_a_refused_push_is_explained_in_the_tasks_log(
    refused: Mapping[str, str], name: str, words: str
):
    """In one line that says what to do, and no traceback."""
    assert words in refused[name], refused[name]
    assert "Traceback" not in refused[name]


def test_a_job_with_kaniko_builds_its_image(world: World, tmp_path: Path):
    """The example's job as it is written, in the pod of a job, with the project's login."""
    found = (path for path in EXAMPLE.rglob("*") if path.is_file())
    files = {str(path.relative_to(EXAMPLE)): path.read_text() for path in found}
    repository = make_repository(tmp_path / "kaniko", files)
    world.define(
        "kaniko",
        CI_REGISTRY=world.kind,
        CI_REGISTRY_IMAGE=f"{world.kind}/group/project",
        BASE_IMAGE=f"{world.kind}/base:1",
        INSECURE=world.kind,
    )

    report = world.stack.run(repository)

    log = world.task_log(report, "build")
    assert report["status"] == "passed", log
    assert world.registry.digest("group/project", "main") in log
    assert PASSWORD not in log

"""Jobs in their images, through a real Airflow and a real Podman."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.embedded import Stack, make_repository, podman_stack
from e2e.faulty import job, kill_component, kill_follower, kill_worker, left_behind
from e2e.runs import ended, raw_log, start, wait_for
from engines.podman import Podman, import_database
from processes.counter import Heard

pytestmark = pytest.mark.embedded("its images are run by an engine of this machine")

PIPELINE = """
stages: [build, test]
debian:
  stage: build
  image: debian:12
  script: [cat /etc/debian_version | tee version.txt]
  artifacts: {{paths: [version.txt]}}
small:
  stage: test
  image: docker.io/library/busybox:1.35
  script:
    - grep -q ^12 version.txt
    - test ! -e /etc/debian_version
    - readlink $(which cat)
user:
  stage: build
  image: {{name: debian:12, kubernetes: {{user: "1234"}}}}
  script: [id -u]
entry:
  stage: build
  image: {{name: {entry}, entrypoint: [""]}}
  script: [echo entered]
database:
  stage: test
  image: {database}
  variables: {{PGPORT: "{port}"}}
  services:
    - name: {database}
      alias: db
      variables: {{PGPORT: "{port}", HEALTHCHECK_TCP_PORT: "{port}"}}
  script: [psql -h db -U postgres -Atc "select 'answer ' || 41 + 1"]
missing:
  stage: build
  image: missing/x:1
  allow_failure: true
  script: [echo never]
"""
NOISY = """FROM docker.io/library/busybox:1.35
ENTRYPOINT ["false"]
"""


@dataclass(frozen=True)
class Run:
    """A run of the pipeline, and what it has left."""

    logs: Path
    said: str

    def log(self, job: str) -> str:
        return (self.logs / f"{job}.log").read_text()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Podman]]:
    with podman_stack(tmp_path_factory.mktemp("images")) as running:
        yield running


@pytest.fixture(scope="module")
def run(machine: tuple[Stack, Podman], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the pipeline."""
    stack, engine = machine
    folder = tmp_path_factory.mktemp("run")
    entry, database = "localhost/noisy:1", import_database(engine)
    engine.run("build", "--tag", entry, "-f", "-", ".", data=NOISY.encode())
    text = PIPELINE.format(entry=entry, database=database, port=_free_port())
    repository = make_repository(folder / "repository", {".gitlab-ci.yml": text})
    done = stack.command("run", str(repository), "--logs-dir", str(folder / "logs"))
    return Run(folder / "logs", done.stderr)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def test_jobs_of_one_pipeline_run_in_different_images(run: Run):
    """And hand each other artifacts."""
    assert "12." in run.log("debian")
    assert "\nbusybox\n" in run.log("small")


def test_a_service_runs_what_its_image_says(run: Run):
    """A real PostgreSQL, without a command in the pipeline."""
    assert "answer 42" in run.log("database")


def test_the_user_of_the_image_is_the_jobs(run: Run):
    """`image:kubernetes:user`."""
    assert "\n1234\n" in run.log("user")


def test_the_entrypoint_of_an_image_can_be_left_out(run: Run):
    """Otherwise this image would only run `false`."""
    assert "\nentered\n" in run.log("entry")


def test_a_missing_image_is_named_with_the_registrys_words(run: Run):
    """At the end of the run, where everybody looks."""
    assert "missing failed (allowed)" in run.said
    assert "image missing/x:1" in run.said
    assert "manifest unknown" in run.said


def test_nobody_is_warned_of_images_that_are_used(run: Run):
    """The line is for machines without an engine."""
    assert "images are not used" not in run.said


def test_jobs_survive_the_death_of_their_workers_and_of_the_engine(
    machine: tuple[Stack, Podman], heard: Heard, tmp_path: Path
):
    """The next try finds the container that runs, as with processes: each job has run once.

    Podman's service is killed as well, which the containers do not depend on.
    """
    stack, engine = machine
    names = ("one", "two")
    config = "".join(job(heard, name, 1, image="debian:12") for name in names)
    repository = make_repository(tmp_path / "workers", {".gitlab-ci.yml": config})
    for name in names:
        heard.hold(f"{name} begins")
    dag, run = start(stack, repository)
    for name in names:
        heard.wait_for(f"{name} begins")
        kill_follower(stack, dag, run, name, kill_worker)
    kill_component(stack, "podman .*system service")
    for name in names:
        heard.release(f"{name} begins")
    wait_for(lambda: ended(stack, dag, run))

    assert stack.api.run_state(dag, run) == "success"
    assert heard.lines == {f"{name} {what}": 1 for name in names for what in ("begins", "ends")}
    for name in names:
        assert raw_log(stack, dag, run, name).count(f"output of {name}\n") == 1
    wait_for(lambda: left_behind(stack) == [])
    assert engine.run("ps", "--all", "--quiet") == ""

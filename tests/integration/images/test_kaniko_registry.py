"""The example that builds an image with Kaniko, against a real registry.

Kaniko's image cannot be had where the tests run: buildah stands in for the executor. The job's own
words are what runs: its login, its arguments, its tag.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters.added_images import EXECUTOR
from gitlab_ci_provider.cli.configuration.compiled import compile_request
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.model.job import Job
from processes.shells import shell_named
from servers.image_registry import Gate, Registry, gate_to, running_registry

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("buildah"), reason="needs buildah"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can build with --isolation=chroot"),
]

EXAMPLE = Path(__file__).parents[3] / "dags" / "examples" / "kaniko"
USER, PASSWORD = "group-token", 'pa"ss$%s\\word'


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry."""
    with running_registry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def gate(registry: Registry) -> Iterator[Gate]:
    """The registry as the project has it: it wants a login."""
    with gate_to(registry, logins=frozenset({f"{USER}:{PASSWORD}"})) as gate:
        yield gate


def _job() -> Job:
    pipeline = compile_request(Request(path=EXAMPLE, ref="main")).result.pipeline
    assert pipeline is not None
    return pipeline.jobs["build"]


def _run(folder: Path, job: Job, variables: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run the job's script with the stand-in in the place of Kaniko's files."""
    project, kaniko = folder / "project", folder / "kaniko"
    shutil.copytree(EXAMPLE, project)
    kaniko.mkdir()
    shutil.copy(EXECUTOR, kaniko)
    text = "\n".join([*job.script.before, *job.script.main]).replace("/kaniko/", f"{kaniko}/")
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SEEN": str(folder / "seen"),
        "STORAGE": str(folder / "storage"),
        "DOCKER_CONFIG": str(kaniko / ".docker"),
        "CI_PROJECT_DIR": str(project),
    }
    shell = shell_named("busybox", folder)
    command = [str(shell), "-e", "-c", text]
    return subprocess.run(
        command, cwd=project, env={**variables, **own}, capture_output=True, check=False
    )


def _variables(gate: Gate, base: str) -> dict[str, str]:
    return {
        "CI_REGISTRY": gate.host,
        "INSECURE": gate.host,
        "CI_REGISTRY_IMAGE": f"{gate.host}/group/project",
        "CI_REGISTRY_USER": USER,
        "CI_REGISTRY_PASSWORD": PASSWORD,
        "CI_COMMIT_REF_SLUG": "feature-x",
        "CI_COMMIT_SHA": "0123456789",
        "BASE_IMAGE": base,
    }


def test_it_pushes_an_image_tagged_by_ref(registry: Registry, gate: Gate, tmp_path: Path):
    """With the job's login; the digest that it keeps is that of the registry."""
    base = registry.push_base().replace(registry.host, gate.host)

    done = _run(tmp_path, _job(), _variables(gate, base))

    assert done.returncode == 0, done.stderr.decode()
    assert registry.tags("group/project") == ["feature-x"]
    digest = (tmp_path / "project" / "digest.txt").read_text()
    assert digest == registry.digest("group/project", "feature-x")
    files = registry.files("group/project", "feature-x")
    assert b"without a Docker daemon" in files["usr/share/nginx/html/index.html"]
    labels = registry.config("group/project", "feature-x")["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == "0123456789"


def test_its_arguments_are_those_of_the_executor(registry: Registry, gate: Gate, tmp_path: Path):
    """The command line, word by word; the password is in no argument."""
    base = registry.push_base().replace(registry.host, gate.host)

    _run(tmp_path, _job(), _variables(gate, base))

    project = tmp_path / "project"
    assert (tmp_path / "seen").read_text().splitlines() == [
        *("--context", str(project)),
        *("--dockerfile", f"{project}/Dockerfile"),
        *("--build-arg", f"BASE_IMAGE={base}"),
        *("--label", "org.opencontainers.image.revision=0123456789"),
        *("--destination", f"{gate.host}/group/project:feature-x"),
        *("--digest-file", f"{project}/digest.txt"),
    ]


def test_a_wrong_password_fails_the_job(registry: Registry, gate: Gate, tmp_path: Path):
    """Nothing is pushed, and the job does not pass."""
    variables = _variables(gate, f"{gate.host}/base:1") | {"CI_REGISTRY_PASSWORD": "other"}

    done = _run(tmp_path, _job(), variables)

    assert done.returncode != 0
    assert registry.tags("group/project") == []

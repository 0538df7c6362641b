"""Rewritten scripts do what the written ones do: both are run, by a real shell."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitlab_ci_provider.cli.configuration.compiled import compile_request
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.docker_builds.rewrite import DockerJob
from gitlab_ci_provider.linter.checks.docker_builds import docker_job
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.variables.expand import expand_all
from processes.shells import shell_named

HERE = Path(__file__).parent / "docker-in-docker"
STAND_IN = Path(__file__).parents[1] / "processes" / "docker_stand_in.py"
FOLDERS = ("images/web", "images/api", "services/api", "base", "app", "docker", "ci/containers")
SETTINGS = {
    "CI_REGISTRY": "registry.example.com",
    "CI_REGISTRY_IMAGE": "registry.example.com/group/project",
    "CI_REGISTRY_USER": "user",
    "CI_REGISTRY_PASSWORD": 'p"a$s%s`x`',
    "CI_JOB_TOKEN": "token",
    "CI_COMMIT_SHA": "0123456789",
    "CI_COMMIT_SHORT_SHA": "01234567",
    "CI_COMMIT_TAG": "v1.0",
    "CI_COMMIT_REF_NAME": "feature/x",
    "CI_COMMIT_REF_SLUG": "feature-x",
    "CI_COMMIT_BRANCH": "feature/x",
    "CI_COMMIT_MESSAGE": 'Say "hi" --insecure\n\nand `more` $(text) \'.',
    "CI_DEFAULT_BRANCH": "main",
    "CI_PROJECT_URL": "https://gitlab.example.com/group/project",
    "HUB_USER": "hub",
    "HUB_TOKEN": "hub token",
    "HTTP_PROXY": "http://proxy.example.com",
    "NAME": "api",
}


def _jobs() -> list[tuple[str, str]]:
    found = []
    for file in sorted(HERE.glob("*.yml")):
        config = compile_request(Request(path=file, ref="main")).result.config
        assert config is not None
        for name, entry in config.jobs.items():
            read = docker_job(config, entry)
            if read and read.rewritten:
                found.append((file.stem, name))
    return found


def _read(case: str, name: str) -> tuple[Job, DockerJob]:
    config = compile_request(Request(path=HERE / f"{case}.yml", ref="main")).result.config
    assert config is not None
    read = docker_job(config, config.jobs[name])
    assert read is not None
    return config.jobs[name].job, read


def _run(folder: Path, shell: Path, job: Job, variables: dict[str, str]) -> dict[str, Any]:
    """Run a script with stand-ins; return what was pushed, and with which logins."""
    project, programs, seen = folder / "project", folder / "programs", folder / "seen.json"
    for name in FOLDERS:
        (project / name).mkdir(parents=True)
    for name in (".gitlab/ci_util_image", ".gitlab/ci_dind_image"):
        (project / name).mkdir(parents=True)
    (project / "VERSION").write_text("1.2\n")
    programs.mkdir()
    for name in ("docker", "executor"):
        command = shlex.join([sys.executable, str(STAND_IN), name, str(seen)])
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / name).chmod(0o755)
    text = "\n".join([*job.script.before, *job.script.main])
    text = text.replace("/kaniko/executor", str(programs / "executor"))
    paths = {"PATH": f"{programs}:/usr/bin:/bin", "DOCKER_CONFIG": str(folder / "config")}
    done = subprocess.run(
        [shell, "-e", "-c", text],
        cwd=project,
        env={**variables, **paths, "CI_PROJECT_DIR": str(project)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    state = json.loads(seen.read_text())
    return json.loads(json.dumps(state).replace(str(folder), ""))


@pytest.mark.parametrize(("case", "name"), _jobs(), ids=lambda value: value)
def test_the_rewritten_script_pushes_the_same(case: str, name: str, tmp_path: Path):
    """The same images, built from the same with the same options, under the same names."""
    job, read = _read(case, name)
    assert read.rewritten is not None
    found = shell_named("busybox", tmp_path)
    expanded = expand_all(read.rewritten.variables).as_dict()
    variables = {**expanded, **SETTINGS}
    for key, value in expanded.items():
        for known, text in SETTINGS.items():
            value = value.replace(f"${known}", text)  # noqa: PLW2901 - step by step
        variables[key] = SETTINGS.get(key, value)

    before = _run(tmp_path / "before", found, job, variables)
    after = _run(tmp_path / "after", found, read.rewritten, variables)

    assert after["pushed"] == before["pushed"]
    assert after["logins"] == before["logins"]

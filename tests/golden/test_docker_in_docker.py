"""Jobs for a Docker daemon, as image builds or with what keeps them from being one.

Each `docker-in-docker/NAME.yml` has its findings, its patch and what `lint --fix` says in
`NAME.expected`; `pytest tests/golden --update-golden` writes them. The first lines of a case say
which project it was taken from, or has the shape of.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.commands.lint import findings
from gitlab_ci_provider.cli.configuration.compiled import Compiled, compile_request
from gitlab_ci_provider.cli.configuration.patch import Patch, docker_patch, summary
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.docker_builds.rewrite import DockerJob
from gitlab_ci_provider.linter.checks.docker_builds import docker_job
from gitlab_ci_provider.model.diagnostic import SourceLocation
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.sources.directory import DirectoryFetcher

HERE = Path(__file__).parent / "docker-in-docker"
CASES = sorted(path.stem for path in HERE.glob("*.yml"))
CODES = ("docker-in-docker", "docker-command")


def _compile(folder: Path) -> Compiled:
    return compile_request(Request(path=folder, ref="main"))


def _patch(folder: Path, compiled: Compiled) -> Patch:
    return docker_patch(DirectoryFetcher(folder), compiled.context)


def _shown(compiled: Compiled, patch: Patch) -> str:
    lines = [
        f"{one.location.line}: [{one.code}] {one.message}\n    {one.hint}"
        for one in findings(compiled)
        if one.code in CODES
    ]
    return "\n".join([*lines, "", *summary(patch), "", patch.text])


def _docker_jobs(compiled: Compiled) -> dict[str, DockerJob]:
    config = compiled.result.config
    assert config is not None
    found = {name: docker_job(config, entry) for name, entry in config.jobs.items()}
    return {name: job for name, job in found.items() if job}


def _jobs(compiled: Compiled) -> Mapping[str, Job]:
    assert compiled.result.pipeline is not None, compiled.diagnostics
    return compiled.result.pipeline.jobs


def _plain(job: Job) -> Job:
    return replace(job, location=SourceLocation(file=""))


@pytest.fixture
def folder(tmp_path: Path, name: str) -> Path:
    """A repository that holds one case."""
    (tmp_path / ".gitlab-ci.yml").write_bytes((HERE / f"{name}.yml").read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_case_is_explained_and_rewritten_as_expected(
    name: str, folder: Path, request: pytest.FixtureRequest
):
    """Findings and patch of a case are those in its file."""
    compiled = _compile(folder)
    shown = _shown(compiled, _patch(folder, compiled))
    file = HERE / f"{name}.expected"
    if request.config.getoption("--update-golden"):
        file.write_text(shown, "utf-8")

    assert shown == file.read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_the_patch_makes_the_rewritten_jobs_and_no_other_change(name: str, folder: Path):
    """After `git apply`, every job is what it was or what it was to become."""
    before = _compile(folder)
    patch = _patch(folder, before)
    wanted = {
        job: found.rewritten
        for job, found in _docker_jobs(before).items()
        if found.rewritten and job in patch.fixed
    }
    if patch.text:
        subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.text.encode(), check=True)

    after = _jobs(_compile(folder))
    assert {name: _plain(job) for name, job in after.items()} == {
        name: _plain(wanted.get(name) or job) for name, job in _jobs(before).items()
    }


@pytest.mark.parametrize("name", CASES)
def test_a_case_has_a_patch_or_reasons(name: str, folder: Path):
    """A job is rewritten whole, or not at all and with reasons; it never needs both."""
    compiled = _compile(folder)
    patch = _patch(folder, compiled)

    found = _docker_jobs(compiled)
    assert found
    for job, read in found.items():
        assert bool(read.problems) == (job not in patch.fixed)


def test_a_rewritten_job_is_left_alone(tmp_path: Path):
    """The patch leaves nothing to fix."""
    text = (HERE / "simple.yml").read_text("utf-8")
    (tmp_path / ".gitlab-ci.yml").write_text(text, "utf-8")
    patch = _patch(tmp_path, _compile(tmp_path))
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch.text.encode(), check=True)

    again = _patch(tmp_path, _compile(tmp_path))
    assert (again.text, again.fixed) == ("", ())

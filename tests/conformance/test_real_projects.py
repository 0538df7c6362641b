"""Pipelines of public projects, when the shared copies are at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.configuration.compiled import compile_request
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.linter.checks.docker_builds import docker_job, place_of
from gitlab_ci_provider.model.diagnostic import Severity

SHARED = Path(os.environ.get("GITLAB_CI_SHARED") or Path(__file__).parents[3] / "shared")
REAL = SHARED / "conformance" / "real-public"
EXPECTED = Path(__file__).parent / "docker_jobs"
PROJECTS = sorted(path.parent.name for path in REAL.glob("*/_meta.json"))
SMALL = ("freedesktop+dbus", "gnutls+nettle", "coq+coq")
"""Projects that need no more than stages, jobs, rules, extends, artifacts and caches."""

if not PROJECTS:
    pytest.skip(f"no public projects in {REAL}", allow_module_level=True)


@pytest.mark.parametrize("name", PROJECTS)
def test_project_compiles_or_says_what_it_lacks(name: str):
    """A project compiles; one that includes from elsewhere is told so, and nothing else."""
    complete = json.loads((REAL / name / "_meta.json").read_text("utf-8"))["complete"]
    compiled = compile_request(Request(path=REAL / name))
    errors = {one.code for one in compiled.diagnostics if one.severity is Severity.ERROR}

    if complete:
        assert errors == set()
    else:
        assert "include-unavailable" in errors


@pytest.mark.parametrize("name", SMALL)
def test_small_project_makes_jobs(name: str):
    """A push to the default branch of an ordinary project makes a pipeline with jobs."""
    compiled = compile_request(Request(path=REAL / name))

    assert compiled.decision is not None
    assert compiled.decision.created
    assert sum(one.present for one in compiled.decision.jobs.values()) > 3


def _docker_jobs(name: str) -> Iterator[str]:
    """Show each job of a project that needs a Docker daemon: what keeps it there, or its builds."""
    config = compile_request(Request(path=REAL / name)).result.config
    assert config is not None
    for job, entry in config.jobs.items():
        found = docker_job(config, entry)
        if not found:
            continue
        yield f"{job}: " + ("an image build" if found.rewritten else "needs a Docker daemon")
        for (section, item), texts in found.changes.items():
            lines = [line for text in texts for line in text.splitlines()] or ["nothing"]
            yield f"  {section}, command {item + 1}, becomes"
            yield from (f"    {line}" for line in lines)
        for problem in found.problems:
            at = place_of(config, entry, problem.spot)
            yield f"  {at.file}:{at.line}: {problem.what}. {problem.hint}"


@pytest.mark.parametrize("name", PROJECTS)
def test_jobs_for_a_docker_daemon_are_rewritten_or_explained(
    name: str, request: pytest.FixtureRequest
):
    """Each is an image build, or has the lines that keep it from being one, as its file says."""
    shown = "".join(f"{line}\n" for line in _docker_jobs(name))
    file = EXPECTED / f"{name}.txt"
    if request.config.getoption("--update-golden") and shown:
        file.write_text(shown, "utf-8")

    assert shown == (file.read_text("utf-8") if file.exists() else "")

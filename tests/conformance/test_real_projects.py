"""Pipelines of public projects, when the shared copies are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gitlab_ci_provider.cli.configuration.compiled import compile_request
from gitlab_ci_provider.cli.configuration.request import Request
from gitlab_ci_provider.linter.checks.docker_builds import docker_job
from gitlab_ci_provider.model.diagnostic import Severity

SHARED = Path(os.environ.get("GITLAB_CI_SHARED") or Path(__file__).parents[3] / "shared")
REAL = SHARED / "conformance" / "real-public"
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


def test_jobs_for_a_docker_daemon_are_rewritten_or_explained():
    """Each is an image build, or has the lines that keep it from being one; they are many."""
    found = []
    for name in PROJECTS:
        config = compile_request(Request(path=REAL / name)).result.config
        jobs = config.jobs.values() if config else ()
        found += [job for entry in jobs if config and (job := docker_job(config, entry))]

    assert len(found) > 25
    assert all(bool(job.rewritten) != bool(job.problems) for job in found)

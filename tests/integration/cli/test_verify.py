"""`gitlab-dags verify`, against a stand-in for GitLab whose lint API answers what a test wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gitlab_ci_provider.cli.main import main
from servers.gitlab.server import GitLab, gitlab_server

pytestmark = pytest.mark.integration

TOKEN = "glpat-of-a-person"
SHARED = ".base: {image: alpine}\nlint: {stage: test, script: [lint]}\n"
MAIN = """
include: {project: group/ci, file: a.yml, ref: v1}
build: {stage: build, extends: .base, script: [make]}
"""
MERGED: dict[str, dict[str, object]] = {
    ".base": {"image": "alpine"},
    "lint": {"stage": "test", "script": ["lint"]},
    "build": {"image": "alpine", "stage": "build", "script": ["make"]},
}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLab]:
    """A project with an include, of which GitLab says what is right."""
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    with gitlab_server(tmp_path) as running:
        running.world.add_project("group/ci", {"a.yml": ""}).push({"a.yml": SHARED}, tag="v1")
        shop = running.world.add_project("group/shop", {".gitlab-ci.yml": MAIN})
        shop.lint = {
            "merged_yaml": yaml.safe_dump(MERGED, sort_keys=False),
            "jobs": [{"name": "lint", "stage": "test", "when": "on_success"},
                     {"name": "build", "stage": "build", "when": "on_success"}],
        }  # fmt: skip
        running.world.add_token(TOKEN, levels={"group": 30})
        yield running


def test_agreement_is_told_with_the_commits_of_includes(
    served: GitLab, capsys: pytest.CaptureFixture[str]
):
    """Exit code 0; what was included is named with its commit."""
    assert main(["verify", "group/shop", "--gitlab-url", served.url]) == 0

    said = capsys.readouterr()
    sha = (served.world.projects["group/ci"].git("rev-parse", "v1") or b"").decode().strip()
    assert said.err == f"included group/ci:a.yml at {sha} (v1)\n"
    assert said.out.endswith(": the same merged YAML and the same 2 jobs\n")


def test_each_difference_is_a_line(served: GitLab, capsys: pytest.CaptureFixture[str]):
    """Exit code 1; the place, what is here, and what is in GitLab."""
    lint = served.world.projects["group/shop"].lint or {}
    build = {**MERGED["build"], "script": ["make all"]}
    lint["merged_yaml"] = yaml.safe_dump({**MERGED, "build": build})

    assert main(["verify", "group/shop", "--gitlab-url", served.url]) == 1

    first, last = capsys.readouterr().out.splitlines()
    assert first == "build:script: here ['make'], in GitLab ['make all']"
    assert last.endswith(": 1 difference")


def test_the_result_as_json(served: GitLab, capsys: pytest.CaptureFixture[str]):
    """For programs, also where both refuse the file."""
    shop = served.world.projects["group/shop"]
    shop.push({".gitlab-ci.yml": "build: {script: 1, stage: nope}\n"})
    shop.lint = {"valid": False, "errors": ["no"], "merged_yaml": None, "jobs": []}

    assert main(["verify", "group/shop", "--gitlab-url", served.url, "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["agree"], said["errors"]["gitlab"]) == (True, ["no"])
    assert said["errors"]["here"]


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("group/none", "cannot read the project group/none: GitLab at"),
        ("group/empty", "no commits"),
    ],
)
def test_what_cannot_be_compared_is_told(
    served: GitLab, capsys: pytest.CaptureFixture[str], project: str, words: str
):
    """In words, with exit code 1."""
    served.world.add_project("group/empty")

    assert main(["verify", project, "--gitlab-url", served.url]) == 1
    assert words in capsys.readouterr().err

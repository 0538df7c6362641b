"""The commands of the documentation do what it says, for a reader who types them one by one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.doc_commands import ROOT, SESSIONS, Session, script
from servers.address import free_port
from servers.gitlab.server import gitlab_server
from servers.repositories import commit, git, make_repository

pytestmark = pytest.mark.embedded("a reader has this machine only")

PIPELINE = """
stages: [test, deploy]
test: {stage: test, script: echo tested}
package:
  stage: test
  resource_group: packages
  script: echo made >package.txt
  artifacts: {paths: [package.txt]}
deploy: {stage: deploy, when: manual, inputs: {target: {default: staging}}, script: echo deployed}
"""
DOWNSTREAM = "deploy: {trigger: {project: local/deployment}}\n"
DOCKER = """
build:
  image: docker:27
  services: [docker:27-dind]
  script: docker build -t registry.example.com/app:1 .
"""
RUNNER = """
[[runners]]
  name = "shared"
  url = "https://gitlab.example.com"
  token = "t"
  executor = "kubernetes"
  [runners.kubernetes]
    namespace = "ci"
"""
JOBS = [
    {"name": "test", "stage": "test", "when": "on_success"},
    {"name": "package", "stage": "test", "when": "on_success"},
    {"name": "deploy", "stage": "deploy", "when": "manual"},
]
TOKEN = "glpat-..."
"""As pages show it."""

WEBHOOKS = {"webhook_signing_token": f"whsec_{b64encode(b'x' * 32).decode()}"}
LONGEST = 900
"""Seconds for the commands of a page."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home directory and the repositories that pages speak of; the stack of it ends with it."""
    folder = tmp_path_factory.mktemp("reader")
    home = folder / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = reader\nemail = reader@example.com\n")
    for place in ("shop", "project", "home/src/billing", "home/src/deployment"):
        make_repository(folder / place, {".gitlab-ci.yml": PIPELINE})
    make_repository(folder / "home/src/shop", {".gitlab-ci.yml": DOWNSTREAM})
    make_repository(folder / "docker", {".gitlab-ci.yml": DOCKER, "Dockerfile": "FROM scratch\n"})
    for branch in ("new-stages", "feature/login"):
        git(folder / "project", "branch", branch)
    for tag in ("v1.0.0", "v1.1.0", "v1.2.0"):
        commit(folder / "project", {"README": tag}, tag)
        git(folder / "project", "tag", tag)
    (folder / "shop" / "config.toml").write_text(RUNNER)
    (folder / "shop" / ".gitlab-ci-local-variables.yml").write_text("REGION: eu\n")
    for name in ("pipeline", "other"):
        repository = folder / "readme/any/repository/with/a" / name
        make_repository(repository, {".gitlab-ci.yml": PIPELINE})
        for tag in ("v1", "v1.2", "v2"):
            git(repository, "tag", tag)
    shutil.copytree(ROOT / "dags/examples/wordcount", folder / "wordcount")
    make_repository(folder / "wordcount", {})
    yield folder
    down = ["gitlab-dags", "down"]
    subprocess.run(down, env=_environment(folder, ""), check=True, timeout=LONGEST)


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a GitLab that has the projects that pages speak of."""
    with gitlab_server(tmp_path_factory.mktemp("gitlab")) as running:
        running.world.add_token(TOKEN, levels={"group": 50, "shop": 50})
        running.world.add_project("group/project", {".gitlab-ci.yml": PIPELINE})
        running.world.add_project("group/private", {".gitlab-ci.yml": PIPELINE})
        running.world.add_project("shop/backend/api", {".gitlab-ci.yml": PIPELINE})
        files = {".gitlab-ci.yml": PIPELINE}
        shop = running.world.add_project("group/shop", files, visibility="public")
        shop.lint = {"merged_yaml": PIPELINE, "jobs": JOBS}
        yield running.url
        assert running.violations == []


def _environment(sandbox: Path, gitlab: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITLAB_", "AIRFLOW", "CI", "XDG_", "GIT_", "PYTHON"))
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {
        **kept,
        "HOME": str(sandbox / "home"),
        "SANDBOX": str(sandbox),
        "GITLAB": gitlab,
        "TOKEN": TOKEN,
        "CONNECTION": json.dumps(
            {"conn_type": "gitlab", "host": gitlab, "password": TOKEN, "extra": WEBHOOKS}
        ),
        "PATH": path,
        "FREE_PORT": str(free_port()),
        # The images of the examples are on no machine of ours.
        "GITLAB_CI_CLUSTER_RUNTIME": "process",
    }


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.page)
def test_commands_of_a_page_work(session: Session, sandbox: Path, gitlab: str):
    """Each ends well, except those that the page shows because they fail."""
    folder = sandbox / session.folder

    done = subprocess.run(
        ["bash", "-c", script(session)],
        cwd=folder if folder.is_dir() else ROOT,
        env=_environment(sandbox, gitlab),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LONGEST,
    )

    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout

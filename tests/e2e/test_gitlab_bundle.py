"""The projects of a GitLab as DAGs: all that is configured is a connection and a bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from e2e.apart import Apart, airflow_apart
from processes.waiting import wait_until
from servers.gitlab.server import GitLab, gitlab_server

TOKEN = "glpat-of-the-bundle"
GATED = """
build:
  stage: build
  script:
    - until git ls-remote --exit-code "$CI_REPOSITORY_URL" go; do sleep 0.2; done
    - echo "built $CI_COMMIT_SHA"
unit: {stage: test, script: 'true'}
"""
RENAMED = GATED.replace("unit:", "lint:")
PLAIN = "test: {script: 'true'}\n"
PATHS = [
    f"platform/{group}p{number}" for group in ("", "web/", "web/deep/er/") for number in (1, 2)
]


@dataclass(frozen=True)
class Shown:
    """A GitLab, and the Airflow that shows its projects."""

    gitlab: GitLab
    apart: Apart

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.apart.api.request("GET", path)
        return found

    def dags(self) -> list[str]:
        return sorted(found["dag_id"] for found in self.get("/dags")["dags"])

    def errors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/importErrors")["import_errors"]
        return found

    def tasks(self, dag: str) -> list[str]:
        return [task["task_id"] for task in self.get(f"/dags/{dag}/tasks")["tasks"]]

    def start(self, dag: str) -> str:
        self.apart.api.request("PATCH", f"/dags/{dag}", json={"is_paused": False})
        return self.apart.api.trigger(dag, {})

    def ended(self, dag: str, run: str) -> str:
        wait_until(lambda: self.apart.api.run_state(dag, run) in {"success", "failed"},
                   f"{dag} {run}", pause=1)  # fmt: skip
        return str(self.apart.api.run_state(dag, run))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Projects in nested groups; Airflow's parts have homes of their own."""
    folder = tmp_path_factory.mktemp("bundle")
    with gitlab_server(folder / "gitlab") as gitlab:
        for path in PATHS:
            gitlab.world.add_project(path, {".gitlab-ci.yml": PLAIN})
        gitlab.world.add_project("platform/shop", {".gitlab-ci.yml": GATED}, visibility="public")
        gitlab.world.add_token(
            TOKEN, levels={"platform": 20}, scopes=("read_api", "read_repository")
        )
        connection = {"conn_type": "gitlab", "host": gitlab.url, "password": TOKEN}
        bundle = {
            "classpath": "gitlab_ci_provider.bundles.gitlab.GitLabDagBundle",
            "kwargs": {"groups": ["platform"], "sync_interval": 2, "refresh_interval": 1},
        }
        more = {"AIRFLOW_CONN_GITLAB_DEFAULT": json.dumps(connection)}
        with airflow_apart(folder / "airflow", bundle, more) as apart:
            yield Shown(gitlab, apart)


def test_the_projects_of_a_group_appear_change_and_go(shown: Shown):
    """A push changes the DAG, not the run that is open; one broken file is one import error."""
    world, names = shown.gitlab.world, [path.replace("/", "__") for path in PATHS]
    wait_until(lambda: {*names, "platform__shop"} <= {*shown.dags()}, "the DAGs", pause=1)
    assert shown.errors() == []

    run = shown.start("platform__shop")
    wait_until(lambda: shown.apart.api.tasks("platform__shop", run)["build"].state == "running",
               "the job", pause=1)  # fmt: skip
    shop = world.projects["platform/shop"]
    shop.push({".gitlab-ci.yml": RENAMED})
    world.projects[PATHS[0]].push({".gitlab-ci.yml": "test:\n  script: [\n"})
    world.projects[PATHS[1]].archived = True
    world.move(PATHS[2], "platform/moved")

    wait_until(lambda: any("commits-" in dag for dag in shown.dags()), "the next version", pause=1)
    wait_until(lambda: len(shown.errors()) == 1, "the import error", pause=1)
    wait_until(lambda: names[1] not in shown.dags(), "the archived one to go", pause=1)
    wait_until(lambda: "platform__moved" in shown.dags(), "the moved one", pause=1)
    said = shown.errors()[0]["stack_trace"]
    assert f"{PATHS[0]}, main at" in said
    assert ".gitlab-ci.yml:" in said

    shop.git("branch", "go", "main")
    assert shown.ended("platform__shop", run) == "success"
    assert {"build", "unit"} < {*shown.apart.api.tasks("platform__shop", run)}
    wait_until(lambda: "lint" in shown.tasks("platform__shop"), "the new jobs", pause=1)
    assert shown.ended("platform__shop", shown.start("platform__shop")) == "success"

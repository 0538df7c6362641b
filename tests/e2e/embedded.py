"""The running stack and small repositories, for the end-to-end tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.kept_runs import keep_run
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.model.dag_record import DagKind
from gitlab_ci_provider.model.names import stored_variables_names
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from servers import repositories

COMMAND = Path(sys.executable).parent / "gitlab-dags"


@dataclass(frozen=True)
class Stack:
    """The running stack, and the command as a person types it."""

    home: Home
    api: AirflowApi

    def command(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `gitlab-dags` and return what it printed."""
        return subprocess.run(
            [COMMAND, *arguments],
            env={**os.environ, "GITLAB_DAGS_HOME": str(self.home.path)},
            capture_output=True,
            text=True,
            timeout=240,
            cwd=cwd,
            check=False,
        )

    def run(self, repository: Path, *arguments: str) -> dict[str, Any]:
        """Run a repository's pipeline and return its report."""
        done = self.command("run", str(repository), "--json", *arguments)
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if report["status"] == "passed" else 1), done.stderr
        if set(arguments[::2]) <= {"--var", "--logs-dir"}:
            given = zip(arguments[::2], arguments[1::2], strict=True)
            variables = (text.partition("=") for option, text in given if option == "--var")
            keep_run(repository, {name: value for name, _, value in variables}, report["jobs"])
        return report

    def note(self, report: Mapping[str, Any], task: str = "") -> str | None:
        """Read the note of a run, or of one of its tasks."""
        run = f"/dags/{report['dag_id']}/dagRuns/{report['run_id']}"
        path = f"{run}/taskInstances/{task}" if task else run
        note: str | None = self.api.request("GET", path)["note"]
        return note

    def links(self, report: Mapping[str, Any], task: str) -> dict[str, str]:
        """Read the buttons that a task of a run has in the Airflow UI."""
        run = f"/dags/{report['dag_id']}/dagRuns/{report['run_id']}"
        links = self.api.request("GET", f"{run}/taskInstances/{task}/links")["extra_links"]
        return {name: url for name, url in links.items() if url}

    def define(self, project: str, variables: list[dict[str, Any]]) -> None:
        """Keep variables of a project where Airflow keeps them."""
        name = stored_variables_names(project)[-1]
        self.api.request("POST", "/variables", json={"key": name, "value": json.dumps(variables)})

    def pods(self, repository: Path) -> list[str]:
        """List the pods that the cluster has for a repository's pipelines."""
        from kubernetes import client, config

        config.load_kube_config(str(self.home.kubeconfig))
        found = client.CoreV1Api().list_namespaced_pod(
            "default", label_selector=f"dag_id={self.dag(repository)}"
        )
        return [pod.metadata.name for pod in found.items]

    def dag(self, repository: Path) -> str:
        """Name the DAG of a repository that was synced."""
        store = open_state(Settings(home=self.home.data)).snapshots
        url = repository.resolve().as_uri()
        return next(
            name
            for name in store.dags(DagKind.PROJECT)
            if store.load_dag(name).project.clone_url == url
        )


def make_repository(path: Path, files: Mapping[str, str]) -> Path:
    """Make a repository on branch main with these files in one commit."""
    repositories.make_repository(path, files)
    return path


def commit(path: Path, files: Mapping[str, str]) -> Path:
    """Add files to a repository in one commit."""
    repositories.commit(path, files, "change")
    return path

"""The running stack and small repositories, for the end-to-end tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from clusters.target import Target, read_target
from e2e.kept_runs import keep_run
from e2e.place import Place, real_place
from engines.podman import Podman, podman, why_not
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.discovery.sync import SyncResult
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.projects import add_project
from gitlab_ci_provider.local.stack.lifecycle import StackOptions, running_stack
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import stored_variables_names
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.state import open_state
from processes.waiting import PATIENCE
from servers import repositories

COMMAND = Path(sys.executable).parent / "gitlab-dags"


@dataclass(frozen=True)
class Stack:
    """The running stack, and the command as a person types it.

    Attributes:
        place: where its jobs run, if that is not its own cluster.
    """

    home: Home
    api: AirflowApi
    place: Place | None = None

    @property
    def bucket(self) -> Path:
        """The folder of caches and artifacts."""
        return Path(self.place.bucket) if self.place else self.home.bucket

    @property
    def namespace(self) -> str:
        """The namespace of its jobs' pods."""
        return self.place.namespace if self.place else "default"

    @property
    def core(self) -> client.CoreV1Api:
        """Make a client of the cluster on which its jobs run."""
        if self.place:
            return self.place.core
        return client.CoreV1Api(config.new_client_from_config(str(self.home.kubeconfig)))

    @property
    def flags(self) -> list[str]:
        """Name its cluster to a command that asks Kubernetes itself."""
        place = self.place
        return ["--kubeconfig", place.account, "--namespace", place.namespace] if place else []

    def address(self, repository: Path) -> str:
        """Name the address at which jobs reach a repository: its folder, or a server's."""
        return self.place.serve(repository) if self.place else str(repository)

    def add(self, repository: Path) -> SyncResult:
        """Sync a repository."""
        return add_project(self.home, self.address(repository))

    def wait_for_dag(self, record: DagRecord) -> None:
        """Wait until Airflow has read a DAG that was synced."""
        snapshots = open_state(Settings(home=self.home.data)).snapshots
        self.api.wait_for_dag(record.dag_id, shown=snapshots.shown(record.digest))

    def command(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `gitlab-dags` and return what it printed."""
        return subprocess.run(
            [COMMAND, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=cwd,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Build the environment of a command that uses this stack."""
        place = self.place.environment if self.place else {}
        return {**os.environ, **place, "GITLAB_DAGS_HOME": str(self.home.path)}

    def run(self, repository: Path, *arguments: str) -> dict[str, Any]:
        """Run a repository's pipeline and return its report."""
        done = self.command("run", self.address(repository), "--json", *arguments)
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
        found = self.core.list_namespaced_pod(
            self.namespace, label_selector=f"dag_id={self.dag(repository)}"
        )
        return [pod.metadata.name for pod in found.items]

    def dag(self, repository: Path) -> str:
        """Name the DAG of a repository that was synced."""
        store = open_state(Settings(home=self.home.data)).snapshots
        url = self.place.serve(repository) if self.place else repository.resolve().as_uri()
        return next(
            name
            for name in store.dags(DagKind.PROJECT)
            if store.load_dag(name).project.clone_url == url
        )


@contextmanager
def embedded_stack(home: Home) -> Iterator[Stack]:
    """Use the stack in a folder, or run one."""
    with running_stack(home, StackOptions()) as state:
        yield Stack(home, AirflowApi(state.access))


@contextmanager
def real_stack(target: Target, folder: Path) -> Iterator[Stack]:
    """Run a stack whose jobs run on a real cluster, with git and S3 of this machine."""
    with real_place(target, folder) as place, pytest.MonkeyPatch.context() as patch:
        for name, value in place.environment.items():
            patch.setenv(name, value)
        home = Home(folder / "home")
        with running_stack(home, StackOptions()) as state:
            yield Stack(home, AirflowApi(state.access), place)


@contextmanager
def podman_stack(folder: Path) -> Iterator[tuple[Stack, Podman]]:
    """Run a stack of images with an engine of its own, in which no container may be left."""
    if reason := why_not():
        pytest.skip(f"no Podman here: {reason}")
    with podman(folder / "podman") as engine, pytest.MonkeyPatch.context() as patch:
        for name, value in engine.environment.items():
            patch.setenv(name, value)
        home = Home(folder / "home")
        with running_stack(home, StackOptions(runtime="podman")) as state:
            yield Stack(home, AirflowApi(state.access)), engine


def a_stack(options: pytest.Config, folder: Path) -> AbstractContextManager[Stack]:
    """Run a stack whose jobs run on the cluster of --kubeconfig, or on its own."""
    given = options.option.kubeconfig
    return real_stack(read_target(Path(given)), folder) if given else embedded_stack(Home(folder))


def make_repository(path: Path, files: Mapping[str, str]) -> Path:
    """Make a repository on branch main with these files in one commit."""
    repositories.make_repository(path, files)
    return path


def commit(path: Path, files: Mapping[str, str]) -> Path:
    """Add files to a repository in one commit."""
    repositories.commit(path, files, "change")
    return path

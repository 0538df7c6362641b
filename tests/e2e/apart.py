"""An Airflow whose parts share no folder: as on several machines, with the state in an S3."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from e2e.worker_pods import WorkerPods
from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.airflow_api.session import Access
from gitlab_ci_provider.exceptions import AirflowApiError
from gitlab_ci_provider.local.airflow.config import HELPER_IMAGE, HOST_IMAGE, Ports
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.processes.ports import choose_port
from gitlab_ci_provider.local.processes.process import Process, start, wait_until
from gitlab_ci_provider.local.processes.tree import kill_tree
from gitlab_ci_provider.local.secrets import load_secrets
from gitlab_ci_provider.local.stack.parts import parts_of_stack
from processes.waiting import wait_until as until
from servers.address import address
from servers.databases import postgres, redis
from servers.gate import Gate, gate
from servers.seaweed import ACCESS_KEY, BUCKET, SECRET_KEY, Seaweed, seaweed

BIN = Path(sys.executable).parent
_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
PARTS = ("api-server", "dag-processor", "scheduler", "triggerer")
BUNDLE: Mapping[str, Any] = {
    "classpath": "gitlab_ci_provider.bundles.state.StateDagBundle",
    "kwargs": {"refresh_interval": 1},
}
WORKERS = ("worker-1", "worker-2")


@dataclass(frozen=True)
class Apart:
    """A running Airflow; each part, and each command, is a machine with a home of its own."""

    folder: Path
    options: Mapping[str, str]
    api: AirflowApi
    store: Seaweed
    gate: Gate
    parts: dict[str, Process] = field(default_factory=dict)

    def home(self, machine: str) -> Path:
        """Name the `[gitlab_ci] home` of a machine."""
        return self.folder / machine / "home"

    def command(self, machine: str, *command: str) -> str:
        """Run a command on a machine; return what it printed."""
        done = subprocess.run(
            command,
            env=on(self.folder, machine, self.options),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def log(self, part: str) -> str:
        """Read the log of a part."""
        return (self.folder / f"{part}.log").read_text()


@contextmanager
def airflow_apart(
    folder: Path,
    bundle: Mapping[str, Any] = BUNDLE,
    environment: Mapping[str, str] = MappingProxyType({}),
    *,
    celery: bool = False,
    pods: WorkerPods | None = None,
) -> Iterator[Apart]:
    """Start an object store, a cluster, and the parts of Airflow.

    Args:
        folder: for all that they keep.
        bundle: the DAG bundle, as Airflow's configuration has it.
        environment: more variables of all parts.
        celery: tasks run in two workers of Celery, and the database is PostgreSQL.
        pods: tasks run in pods of a cluster, as jobs then do, and the database is PostgreSQL.
    """
    with ExitStack() as opened:
        store = opened.enter_context(seaweed())
        door = opened.enter_context(gate(store.ports["s3"]))
        ports = Ports(airflow=choose_port(8200, opened), object_store=door.port)
        running: list[Process] = []
        opened.callback(lambda: _stop(running))
        options = {**_options(folder, ports, door, bundle), **environment}
        if pods is None:
            options |= _embedded_cluster(folder, ports, running)
        if celery:
            options |= _celery(opened.enter_context(postgres()), opened.enter_context(redis()))
        if pods:
            options[_DATABASE] = opened.enter_context(postgres())
            options |= pods.options(folder, options)
        run_once(folder, options, "airflow", "db", "migrate")
        parts = {part: start_part(folder, options, part) for part in PARTS}
        if celery:
            parts |= {worker: _worker(folder, options, worker) for worker in WORKERS}
        running += parts.values()
        url = options["AIRFLOW__API__BASE_URL"]
        yield Apart(folder, options, connected(url), store, door, parts)


def _stop(parts: list[Process]) -> None:
    """Stop them and what they have started, but nothing else of this process: a real cluster."""
    for part in reversed(parts):
        kill_tree(part.popen.pid)
        part.popen.wait()


def _embedded_cluster(folder: Path, ports: Ports, running: list[Process]) -> Mapping[str, str]:
    """Start a cluster for jobs; gives the connection to it."""
    home = Home(folder / "cluster-home")
    home.make()
    cluster = next(
        part
        for part in parts_of_stack(home, load_secrets(home), ports, "auto", time.monotonic())
        if part.name == "cluster"
    )
    running.append(cluster.start())
    wait_until(cluster.is_ready, running[-1])
    extra = {"kube_config_path": str(home.kubeconfig), "namespace": "default"}
    connection = {"conn_type": "kubernetes", "extra": extra}
    return {"AIRFLOW_CONN_GITLAB_CI_KUBERNETES": json.dumps(connection)}


def on(folder: Path, machine: str, options: Mapping[str, str]) -> dict[str, str]:
    """Build the environment of a machine."""
    own = folder / machine
    # With SQLite, the file of the database has to be there for all.
    alone = {"AIRFLOW_HOME": str(own)} if _DATABASE in options else {}
    return {
        **options,
        **alone,
        "AIRFLOW__GITLAB_CI__HOME": str(own / "home"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(own / "bundles"),
    }


def _worker(folder: Path, options: Mapping[str, str], name: str) -> Process:
    command = ["celery", "worker", "--skip-serve-logs", "--concurrency", "3"]
    return start(
        name,
        [str(BIN / "airflow"), *command, "--celery-hostname", f"{name}@%h"],
        environment=on(folder, name, options),
        log=folder / f"{name}.log",
    )


def _celery(database: str, broker: str) -> dict[str, str]:
    return {
        _DATABASE: database,
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        "AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS": (
            "gitlab_ci_provider.executors.celery.CELERY_CONFIG"
        ),
        # A worker that was killed is noticed by this.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    }


def start_part(folder: Path, options: Mapping[str, str], part: str) -> Process:
    """Start a part of Airflow on a machine of its own."""
    return start(
        part,
        [str(BIN / "airflow"), part],
        environment=on(folder, part, options),
        log=folder / f"{part}.log",
    )


def run_once(folder: Path, options: Mapping[str, str], *command: str) -> None:
    """Run a command that all parts need first."""
    subprocess.run(command, env=on(folder, "once", options), check=True, capture_output=True)


def _options(folder: Path, ports: Ports, door: Gate, bundle: Mapping[str, Any]) -> dict[str, str]:
    mine = {name: text for name, text in os.environ.items() if not name.startswith("AIRFLOW")}
    sections = {**_airflow(folder, ports), **_ours(bundle)}
    return {
        **mine,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(folder),
        **_connections(door),
        **{
            f"AIRFLOW__{section.upper()}__{option.upper()}": value
            for section, values in sections.items()
            for option, value in values.items()
        },
    }


def _airflow(folder: Path, ports: Ports) -> dict[str, dict[str, str]]:
    url = f"http://{address()}:{ports.airflow}"
    key = secrets.token_hex(32)
    (folder / "passwords.json").write_text(json.dumps({"admin": "admin"}))
    return {
        "core": {
            "executor": "LocalExecutor",
            "dagbag_import_timeout": "1200",
            "dags_folder": str(folder / "no-dags"),
            "load_examples": "False",
            # Airflow would not store a DAG that changes again within half a minute, and parses its
            # file only ten minutes later.
            "min_serialized_dag_update_interval": "0",
            "parallelism": "4",
            "execution_api_server_url": f"{url}/execution/",
            "simple_auth_manager_users": "admin:admin",
            "simple_auth_manager_passwords_file": str(folder / "passwords.json"),
        },
        "api": {"port": str(ports.airflow), "base_url": url, "secret_key": key},
        "api_auth": {"jwt_secret": key},
        "scheduler": {"task_instance_heartbeat_timeout": "1800"},
    }


def _ours(bundle: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "dag_processor": {
            "dag_bundle_config_list": json.dumps([{"name": "gitlab", **bundle}]),
            "bundle_refresh_check_interval": "1",
            "dag_file_processor_timeout": "1200",
            "min_file_process_interval": "600",
        },
        "gitlab_ci": {
            # Not those of the shared stack, whose variables the processes of pytest-xdist have.
            "kubernetes_conn_id": "gitlab_ci_kubernetes",
            "object_store_conn_id": "gitlab_ci_object_store",
            "state_conn_id": "gitlab_ci_object_store",
            "helper_image": HELPER_IMAGE,
            "default_image": HOST_IMAGE,
        },
    }


def _connections(door: Gate) -> dict[str, str]:
    store = {
        "conn_type": "aws",
        "login": ACCESS_KEY,
        "password": SECRET_KEY,
        "extra": {"endpoint_url": door.url, "bucket": BUCKET, "path_style": True},
    }
    return {"AIRFLOW_CONN_GITLAB_CI_OBJECT_STORE": json.dumps(store)}


def connected(url: str) -> AirflowApi:
    """Wait until the API server answers."""
    access = Access(url=url, user="admin", password="admin")
    found: list[AirflowApi] = []

    def answers() -> bool:
        try:
            found.append(AirflowApi(access))
        except AirflowApiError:
            return False
        return True

    until(answers, "Airflow's API", pause=1)
    return found[0]

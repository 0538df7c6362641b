"""Times how soon a task of ours starts on a stock Airflow, next to a task that does nothing.

    .venv/bin/python tests/benchmarks/task_start.py [--tasks 10] [--executors warm,warm-celery]

For each executor an Airflow of its own: scheduler, API server and DAG processor, as `airflow`
starts them. In it two chains of the same shape take turns: `PythonOperator`s that return at once,
and the DAG of a real project whose operators' `execute` is replaced by nothing. So the times hold
all that Airflow does for a task, and all that we make it import. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.airflow_api.session import Access
from gitlab_ci_provider.exceptions import AirflowApiError
from gitlab_ci_provider.local.processes.ports import choose_port
from gitlab_ci_provider.local.processes.process import start, stop

BIN = Path(sys.executable).parent
EXECUTORS = {
    "local": ("LocalExecutor", {}),
    "warm": ("gitlab_ci_provider.executors.local.WarmLocalExecutor", {}),
    "celery": ("CeleryExecutor", {}),
    "warm-celery": (
        "CeleryExecutor",
        {"celery_config_options": "gitlab_ci_provider.executors.celery.CELERY_CONFIG"},
    ),
}
DAGS = """
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, get_parsing_context
from airflow.sdk.bases.operator import chain

def nothing(*_, **__):
    pass

if get_parsing_context().dag_id in (None, "plain"):
    with DAG("plain", schedule=None) as dag:
        tasks = (f"job{{number}}" for number in range({count}))
        chain(*(PythonOperator(task_id=name, python_callable=nothing) for name in tasks))
"""
OURS = """# the word airflow makes Airflow read this file
from gitlab_ci_provider.renderer.load import load_dags

def nothing(context):
    pass

dags = load_dags()
for dag in dags.values():
    for task in dag.tasks:
        task.execute = nothing
globals().update(dags)
"""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--executors", default=",".join(EXECUTORS))
    args = parser.parse_args()
    print("| executor | nothing, s | ours, s | ratio |\n| --- | --- | --- | --- |")
    for name in args.executors.split(","):
        with (
            tempfile.TemporaryDirectory() as folder,
            airflow(Path(folder), name, args.tasks) as api,
        ):
            plain, ours = [], []
            for number in range(3):
                rounds = durations(api, "plain"), durations(api, "local__chain")
                if number:  # the first round imports, parses and caches
                    plain += rounds[0]
                    ours += rounds[1]
            floor, own = statistics.median(plain), statistics.median(ours)
            print(f"| {name} | {floor:.2f} | {own:.2f} | {own / floor:.2f} |", flush=True)


def durations(api: AirflowApi, dag: str) -> list[float]:
    """Run a DAG and return the seconds of each of its tasks, as Airflow shows them."""
    run = api.trigger(dag, {})
    # A pipeline whose jobs have not really run is never green, so the tasks are what counts.
    while api.run_state(dag, run) not in {"success", "failed"}:
        time.sleep(0.2)
    tasks = api.tasks(dag, run)
    if wrong := {name: task.state for name, task in tasks.items() if task.state != "success"}:
        raise SystemExit(f"{dag}: {wrong}, which is not a result")
    return [task.duration or 0 for name, task in tasks.items() if name.startswith("job")]


@contextmanager
def airflow(folder: Path, executor: str, count: int) -> Iterator[AirflowApi]:
    """Start a stock Airflow with this executor, with both DAGs."""
    with ExitStack() as claims:
        port = choose_port(8200, claims)
        options = settings(folder, executor, port)
        (folder / "dags").mkdir()
        (folder / "dags" / "plain.py").write_text(DAGS.format(count=count))
        repository(folder / "chain", count)
        run(options, "airflow", "db", "migrate")
        run(options, "gitlab-dags", "sync", str(folder / "chain"))
        (folder / "dags" / "ours.py").write_text(OURS)
        commands = [["api-server"], ["dag-processor"], ["scheduler"]]
        if "celery" in executor:
            commands.append(["celery", "worker", "--skip-serve-logs", "--concurrency", "4"])
        processes = [
            start(
                command[0],
                [str(BIN / "airflow"), *command],
                environment=options,
                log=folder / f"{command[0]}.log",
            )
            for command in commands
        ]
        try:
            api = connected(f"http://127.0.0.1:{port}")
            for dag in ("plain", "local__chain"):
                unpause(api, dag)
            yield api
        finally:
            stop(processes)


def unpause(api: AirflowApi, dag: str) -> None:
    """Unpause a DAG, once the DAG processor has read it."""
    while True:
        try:
            api.request("PATCH", f"/dags/{dag}", json={"is_paused": False})
        except AirflowApiError as problem:
            errors = api.request("GET", "/importErrors")["import_errors"]
            if problem.status != 404 or errors:
                raise SystemExit(f"{problem} {errors}") from problem
            time.sleep(1)
        else:
            return


def connected(url: str) -> AirflowApi:
    """Wait until the API server answers."""
    while True:
        try:
            api = AirflowApi(Access(url=url, user="admin", password="admin"))
            api.request("GET", "/dags")
        except AirflowApiError:
            time.sleep(1)
        else:
            return api


def settings(folder: Path, executor: str, port: int) -> dict[str, str]:
    """Return the environment of an Airflow with little more than its defaults."""
    name, celery = EXECUTORS[executor]
    url = f"http://127.0.0.1:{port}"
    key = secrets.token_hex(32)
    (folder / "passwords.json").write_text(json.dumps({"admin": "admin"}))
    queue = folder / "queue"
    queue.mkdir()
    folders = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), str(queue))
    options = {
        "core": {
            "executor": name,
            "dags_folder": str(folder / "dags"),
            "load_examples": "False",
            "parallelism": "4",
            "execution_api_server_url": f"{url}/execution/",
            "simple_auth_manager_users": "admin:admin",
            "simple_auth_manager_passwords_file": str(folder / "passwords.json"),
        },
        "api": {"port": str(port), "base_url": url, "secret_key": key},
        "api_auth": {"jwt_secret": key},
        "celery": {
            "broker_url": "filesystem://",
            "result_backend": f"db+sqlite:///{folder}/results.db",
            **celery,
        },
        "celery_broker_transport_options": folders,
    }
    path = {"PATH": f"{BIN}:{os.environ['PATH']}", "AIRFLOW_HOME": str(folder)}
    return (
        {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
        | path
        | {
            f"AIRFLOW__{section.upper()}__{option.upper()}": value
            for section, values in options.items()
            for option, value in values.items()
        }
    )


def environment(folder: Path) -> dict[str, str]:
    """Return this process' environment, without what it says of another Airflow."""
    mine = {name: text for name, text in os.environ.items() if not name.startswith("AIRFLOW")}
    return mine | {"PATH": f"{BIN}:{os.environ['PATH']}", "AIRFLOW_HOME": str(folder)}


def run(options: dict[str, str], *command: str) -> None:
    """Run a command to its end."""
    done = subprocess.run(command, env=options, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def repository(path: Path, count: int) -> None:
    """Make a git repository whose pipeline is a chain of jobs."""
    path.mkdir()
    jobs = (
        f"job{i}: {{script: 'true', needs: [{f'job{i - 1}' if i else ''}]}}\n" for i in range(count)
    )
    (path / ".gitlab-ci.yml").write_text("".join(jobs))
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "benchmark"]):
        subprocess.run(["git", "-C", str(path), *identity, *command], check=True)


if __name__ == "__main__":
    main()

"""Airflow's configuration in the embedded stack, as environment variables: no file to edit.

Tuned for one machine: components sleep until something changes instead of asking again and again,
the database is SQLite in WAL mode, and all are forked with everything imported.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from gitlab_ci_provider.local.home import BUCKET, Home
from gitlab_ci_provider.local.secrets import StackSecrets

ADMIN = "admin"
HELPER_IMAGE = "gitlab-ci-helper:local"
HOST_IMAGE = "this-machine"
"""For jobs without `image:`: they name no image, so there is nothing to warn about."""


_TASKS = "32"
"""Tasks that run at the same time."""

_LONG = "1200"
"""Seconds."""

_HEARTBEAT = "120"
"""Seconds. Each heartbeat wakes the scheduler, which watches the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the parts of a stack listen, all on the loopback address."""

    airflow: int
    object_store: int
    cluster: int = 0


def airflow_environment(home: Home, secrets: StackSecrets, ports: Ports) -> dict[str, str]:
    """Build the environment of every Airflow process of the stack."""
    sections = {
        **_core(home, secrets, ports),
        "database": {
            "sql_alchemy_conn": f"sqlite:///{home.airflow / 'airflow.db'}?timeout=300",
            "load_default_connections": "False",
            # Airflow's API asks the database from its event loop: waiting there for one of the
            # usual 15 connections, whose holders wait for the loop, stops everything for 30 s.
            "sql_alchemy_pool_size": "50",
            "sql_alchemy_max_overflow": "-1",
        },
        **_times(),
        "logging": {"base_log_folder": str(home.airflow / "logs"), "logging_level": "INFO"},
        "gitlab_ci": {
            "home": str(home.data),
            "dag_files": str(home.dags),
            "helper_image": HELPER_IMAGE,
            "default_image": HOST_IMAGE,
            "job_logs_folder": str(home.job_logs),
        },
    }
    options = {
        f"AIRFLOW__{section.upper()}__{option.upper()}": value
        for section, values in sections.items()
        for option, value in values.items()
    }
    return {**options, **_connections(home, secrets, ports), "AIRFLOW_HOME": str(home.airflow)}


def _times() -> dict[str, dict[str, str]]:
    """List how often components look, and Airflow's time limits.

    The limits are so long that a machine under heavy load does not reach them. Their purpose is to
    find machines that have died. Here there is only one, and the stack notices dead processes.
    """
    return {
        "scheduler": {
            # The executor waits for work instead, see `executor.py`.
            "scheduler_idle_sleep_time": "0",
            # As many as can run: with half of them, the others wait until the first have begun.
            "max_tis_per_query": _TASKS,
            "scheduler_heartbeat_sec": _HEARTBEAT,
            "job_heartbeat_sec": _HEARTBEAT,
            "enable_health_check": "False",
            "scheduler_health_check_threshold": _LONG,
            "task_instance_heartbeat_timeout": "1800",
            "task_queued_timeout": "86400",
        },
        "dag_processor": {
            # It looks as soon as a file changes, see `dag_processor.py`.
            "refresh_interval": _HEARTBEAT,
            "bundle_refresh_check_interval": _HEARTBEAT,
            "min_file_process_interval": "600",
            "print_stats_interval": "0",
            "dag_file_processor_timeout": "1200",
            "stale_dag_threshold": _LONG,
            "health_check_threshold": _LONG,
        },
        "triggerer": {
            "job_heartbeat_sec": _HEARTBEAT,
            "triggerer_health_check_threshold": _LONG,
            "runner_health_check_threshold": _LONG,
        },
        "workers": _workers(),
    }


def _workers() -> dict[str, str]:
    """List how workers watch tasks, and how patient they are with the API server."""
    return {
        "max_failed_heartbeats": "100",
        # Late answers are fine. An API server that is restarted needs seconds, on a busy
        # machine a minute.
        "execution_api_timeout": "120",
        "execution_api_retries": "60",
        "execution_api_retry_wait_min": "0.2",
        "execution_api_retry_wait_max": "5",
    }


def _core(home: Home, secrets: StackSecrets, ports: Ports) -> dict[str, dict[str, str]]:
    url = f"http://127.0.0.1:{ports.airflow}"
    return {
        "core": {
            "dags_folder": str(home.dags),
            "dagbag_import_timeout": "1200",
            # A commit right after another one is shown at once, not after half a minute.
            "min_serialized_dag_update_interval": "0",
            "load_examples": "False",
            "executor": "gitlab_ci_provider.local.airflow.executor.EmbeddedExecutor",
            "parallelism": _TASKS,
            "max_active_tasks_per_dag": _TASKS,
            "fernet_key": secrets.fernet_key,
            "execution_api_server_url": f"{url}/execution/",
            "simple_auth_manager_users": f"{ADMIN}:admin",
            "simple_auth_manager_passwords_file": str(home.airflow / "passwords.json"),
        },
        "api": {
            "host": "127.0.0.1",
            "port": str(ports.airflow),
            "base_url": url,
            "secret_key": secrets.api_secret,
            "expose_config": "False",
        },
        "api_auth": {"jwt_secret": secrets.jwt_secret},
    }


def _connections(home: Home, secrets: StackSecrets, ports: Ports) -> dict[str, str]:
    kubernetes = {
        "conn_type": "kubernetes",
        "extra": {"kube_config_path": str(home.kubeconfig), "namespace": "default"},
    }
    store = {
        "conn_type": "aws",
        "login": secrets.s3_access_key,
        "password": secrets.s3_secret_key,
        "extra": {
            "endpoint_url": f"http://127.0.0.1:{ports.object_store}",
            "region_name": "us-east-1",
            "bucket": BUCKET,
            "path_style": True,
        },
    }
    return {
        "AIRFLOW_CONN_GITLAB_CI_KUBERNETES": json.dumps(kubernetes),
        "AIRFLOW_CONN_GITLAB_CI_OBJECT_STORE": json.dumps(store),
    }

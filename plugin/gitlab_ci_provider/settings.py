"""The `[gitlab_ci]` section of airflow.cfg, read once into a frozen value.

The only reader of Airflow's configuration. Every option has a default, see
`get_provider_info.py`, where Airflow learns their names and descriptions.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gitlab_ci_provider import __version__
from gitlab_ci_provider.model.plan import ArchiveLimits

SECTION = "gitlab_ci"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this installation runs pipelines.

    Attributes:
        home: folder of the state and of git mirrors, shared by sync, DAG processor and workers.
        kubernetes_conn_id: where pods run.
        namespace: of the pods; empty leaves it to the connection.
        object_store_conn_id: where caches and artifacts go.
        helper_image: holds `gitlab-ci-helper`.
        default_image: for jobs without `image:`.
        git_conn_ids: logins of git servers, separated by commas.
        include_hosts: patterns of hosts that `include:remote` and `template` (gitlab.com) may
            ask, separated by commas; empty asks none.
        job_logs_folder: keep each job's log there as the job wrote it; empty keeps none.
        default_timeout: seconds, for jobs without `timeout:`.
        artifacts_expire_in: seconds, for artifacts without `expire_in:`; 0 keeps them.
        dag_files: folder for one DAG file a DAG; None where `dags/gitlab_ci.py` shows all of them.
        child_dag_timeout: seconds until Airflow must have read the DAG of a child pipeline.
        child_dags_expire_in: seconds for which DAGs made by runs are kept without being used.
        protected_branches, protected_tags: patterns with `*`, joined with commas; the default
            branch is protected without being named.
        pod_start_timeout: seconds until a pod that does not start counts as failed.
        kubernetes_outage: seconds for which Kubernetes' API may be away, or too busy, before a job
            fails for it.
        interrupted_retries: how often a job whose pod was evicted, preempted, deleted or lost with
            its node is tried again without using up its `retry`.
        archive_max_size, archive_max_entries, archive_max_ratio: how much may come out of one
            cache or artifact archive: bytes, files, times its own size.
        always_ask: show the form for variables whenever a manual job is played.
    """

    home: Path
    kubernetes_conn_id: str = "gitlab_ci_kubernetes"
    namespace: str = ""
    object_store_conn_id: str = "gitlab_ci_object_store"
    helper_image: str = ""
    default_image: str = "debian:12"
    git_conn_ids: str = "gitlab_ci_git"
    include_hosts: str = ""
    job_logs_folder: str = ""
    default_timeout: int = 3600
    artifacts_expire_in: int = 30 * 24 * 3600
    dag_files: Path | None = None
    child_dag_timeout: int = 600
    child_dags_expire_in: int = 30 * 24 * 3600
    protected_branches: str = ""
    protected_tags: str = ""
    pod_start_timeout: int = 600
    kubernetes_outage: int = 600
    always_ask: bool = False
    interrupted_retries: int = 0
    archive_max_size: int = 20_000_000_000
    archive_max_entries: int = 2_000_000
    archive_max_ratio: int = 200

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Patterns of hosts that includes may ask."""
        return tuple(filter(None, map(str.strip, self.include_hosts.split(","))))

    @property
    def archive_limits(self) -> ArchiveLimits:
        """How much may come out of an archive."""
        return ArchiveLimits(
            size=self.archive_max_size,
            entries=self.archive_max_entries,
            ratio=self.archive_max_ratio,
        )

    @property
    def state(self) -> Path:
        """Folder of everything that one process leaves for others; see `state.py`."""
        return self.home / "state"

    @property
    def mirrors(self) -> Path:
        """Folder of the bare git mirrors."""
        return self.home / "mirrors"


def home_settings(home: Path) -> Settings:
    """Give the settings of a home folder without Airflow, from its environment variables."""
    hosts = os.environ.get(f"AIRFLOW__{SECTION.upper()}__INCLUDE_HOSTS", "")
    return Settings(home=home, include_hosts=hosts)


def load_settings() -> Settings:
    """Read airflow.cfg and its environment variables (AIRFLOW__GITLAB_CI__...)."""
    from airflow.configuration import AIRFLOW_HOME, conf

    given = {
        field.name: _read(conf, field.name, field.type)
        for field in fields(Settings)
        if conf.get(SECTION, field.name, fallback="")
    }
    folder = {"home": Path(AIRFLOW_HOME) / "gitlab_ci"}
    image = {"helper_image": f"gitlab-ci-helper:{__version__}"}
    return Settings(**{**folder, **image, **given})


def _read(conf: Any, option: str, kind: Any) -> Any:
    if kind == "int":
        return conf.getint(SECTION, option)
    if kind == "bool":
        return conf.getboolean(SECTION, option)
    text = conf.get(SECTION, option)
    return Path(text) if str(kind).startswith("Path") else text

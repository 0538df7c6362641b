"""The `[gitlab_ci]` section of airflow.cfg, read once into a frozen value.

The only reader of Airflow's configuration, and the only place that lists the options: Airflow
learns their names, types, defaults and descriptions from the fields, see `get_provider_info.py`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import msgspec

from gitlab_ci_provider import __version__
from gitlab_ci_provider.exceptions import SettingsError
from gitlab_ci_provider.model.image_build import EngineName
from gitlab_ci_provider.model.plan import ArchiveLimits
from gitlab_ci_provider.model.serialization import convert, decoder
from gitlab_ci_provider.retention.policy import Policy

SECTION = "gitlab_ci"
_DAYS = 24 * 3600

Waiting = Literal["worker", "deferred", "adaptive"]


_FOR_SYNC = (
    "state_conn_id",
    "state_outage",
    "include_hosts",
    "git_conn_ids",
    "protected_branches",
    "protected_tags",
    "runners_file",
)
"""What a sync without Airflow needs."""


def _option(default: Any, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this installation runs pipelines; users see the descriptions."""

    home: Path = field(
        metadata={
            "description": "Folder of the state, unless `state_conn_id` is set, and of git "
            "mirrors; default $AIRFLOW_HOME/gitlab_ci."
        }
    )
    state_conn_id: str = _option(
        "",
        "Connection: the object store of the state, for machines that share no folder; empty: the "
        "state is in `home`, which all share.",
    )
    state_outage: int = _option(
        600, "Seconds for which the object store of the state may be away before a task fails."
    )
    kubernetes_conn_id: str = _option("gitlab_ci_kubernetes", "Connection: where pods run.")
    namespace: str = _option("", "Namespace of the pods; empty: the connection's.")
    object_store_conn_id: str = _option(
        "gitlab_ci_object_store", "Connection: where caches and artifacts go."
    )
    runners_file: Path | None = field(
        default=None,
        metadata={"description": "YAML file of runners; empty: one runner takes every job."},
    )
    runners_variable: str = _option(
        "", "Airflow Variable with the YAML of runners, if there is no `runners_file`."
    )
    helper_image: str = _option("", "Image that holds gitlab-ci-helper.")
    default_image: str = _option("debian:12", "Image for jobs without `image:`.")
    image_engine: EngineName = field(
        default="kaniko",
        metadata={
            "description": "What builds images in hand-written DAGs when the task does not say: "
            "`kaniko`, `buildkit` or `buildah`."
        },
    )
    git_conn_ids: str = _option(
        "gitlab_ci_git, gitlab_default",
        "Connections: GitLabs and logins of git servers, separated by commas.",
    )
    webhook_conn_ids: str = _option(
        "gitlab_default",
        "Connections to GitLab whose webhooks are received, separated by commas.",
    )
    vault_conn_id: str = _option(
        "gitlab_ci_vault", "Connection: HashiCorp Vault, for `secrets:vault`."
    )
    aws_secrets_conn_id: str = _option(
        "gitlab_ci_aws_secrets", "Connection: AWS, for `secrets:aws_secrets_manager`."
    )
    gcp_secrets_conn_id: str = _option(
        "gitlab_ci_gcp_secrets", "Connection: Google Cloud, for `secrets:gcp_secret_manager`."
    )
    azure_secrets_conn_id: str = _option(
        "gitlab_ci_azure_secrets", "Connection: Azure, for `secrets:azure_key_vault`."
    )
    id_token_audiences: str = _option(
        "", "Audiences that `id_tokens:` may name: patterns with `*`, separated by commas."
    )
    debug_trace_disabled: bool = _option(
        False, "Do not let jobs trace their commands with CI_DEBUG_TRACE."
    )
    include_hosts: str = _option(
        "",
        "Hosts that include:remote and include:template (gitlab.com) may ask: patterns, separated "
        "by commas; empty: none.",
    )
    job_logs_folder: str = _option(
        "", "Folder that keeps each job's log as the job wrote it; empty: none is kept."
    )
    default_timeout: int = _option(3600, "Seconds, for jobs without `timeout:`.")
    artifacts_expire_in: int = _option(
        30 * _DAYS, "Seconds, for artifacts without `expire_in:`; 0 keeps them."
    )
    artifacts_keep_latest: int = _option(
        365 * _DAYS,
        "Seconds for which artifacts of the latest successful pipeline of each ref are kept beyond "
        "their `expire_in`; 0: they are not.",
    )
    artifacts_max_size: int = _option(
        0, "Bytes of artifacts that a project may keep; the oldest are deleted. 0: no limit."
    )
    cache_expire_in: int = _option(
        30 * _DAYS, "Seconds after its last use until a cache is deleted; 0 keeps caches."
    )
    cache_max_size: int = _option(
        0, "Bytes of caches that a project may keep; the least used are deleted. 0: no limit."
    )
    dag_files: Path | None = field(
        default=None,
        metadata={
            "description": "Folder for one DAG file per DAG; empty: dags/gitlab_ci.py shows all."
        },
    )
    child_dag_timeout: int = _option(
        600, "Seconds until Airflow must have read the DAG of a child pipeline."
    )
    child_dags_expire_in: int = _option(
        30 * _DAYS, "Seconds for which DAGs made by runs are kept without being used."
    )
    protected_branches: str = _option(
        "",
        "Protected branches in addition to the default branch: patterns with `*`, separated by "
        "commas.",
    )
    protected_tags: str = _option("", "Protected tags: patterns with `*`, separated by commas.")
    pod_start_timeout: int = _option(
        600,
        "Seconds from a pod's creation until it counts as failed because it has not started; the "
        "time in which its containers ran does not count.",
    )
    image_pull_grace: int = _option(
        60,
        "Seconds for which a registry may be busy or out of reach before an image that cannot be "
        "pulled fails the job. One that does not exist fails it at once.",
    )
    services_timeout: int = _option(
        300, "Seconds until a service that does not get ready fails its job; 0: jobs do not wait."
    )
    kubernetes_outage: int = _option(
        600,
        "Seconds for which Kubernetes' API may be unreachable or too busy before a job fails "
        "because of it.",
    )
    waiting: Waiting = field(
        default="adaptive",
        metadata={
            "description": "Where a job's pod is waited for: `worker`, `deferred` (in the "
            "triggerer), or `adaptive`: in the worker at first, for `defer_after` seconds, and "
            "longer if no triggerer is alive."
        },
    )
    defer_after: int = _option(
        60, "Seconds after which `waiting = adaptive` gives the worker back."
    )
    always_ask: bool = _option(
        False, "Show the form for variables whenever a manual job is played."
    )
    interrupted_retries: int = _option(
        0,
        "How often a job whose pod was evicted, preempted, deleted or lost with its node is tried "
        "again without using up its `retry`.",
    )
    archive_max_size: int = _option(
        20_000_000_000, "Bytes that may come out of one cache or artifact archive."
    )
    archive_max_entries: int = _option(
        2_000_000, "Files, folders and links that may come out of one cache or artifact archive."
    )
    archive_max_ratio: int = _option(
        200, "How many times its own size may come out of an archive, beyond 100 MB."
    )

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Patterns of hosts that includes may use."""
        return tuple(filter(None, map(str.strip, self.include_hosts.split(","))))

    @property
    def webhook_connections(self) -> tuple[str, ...]:
        """Names of connections whose webhooks are received."""
        return tuple(filter(None, map(str.strip, self.webhook_conn_ids.split(","))))

    @property
    def audiences(self) -> tuple[str, ...]:
        """Patterns of audiences that jobs may have tokens for."""
        return tuple(filter(None, map(str.strip, self.id_token_audiences.split(","))))

    @property
    def archive_limits(self) -> ArchiveLimits:
        """Limits for what an archive may contain."""
        return ArchiveLimits(
            size=self.archive_max_size,
            entries=self.archive_max_entries,
            ratio=self.archive_max_ratio,
        )

    @property
    def retention(self) -> Policy:
        """How long artifacts and caches are kept."""
        return Policy(
            cache_expire_in=self.cache_expire_in,
            cache_max_size=self.cache_max_size,
            artifacts_expire_in=self.artifacts_expire_in,
            artifacts_keep_latest=self.artifacts_keep_latest,
            artifacts_max_size=self.artifacts_max_size,
        )

    @property
    def state(self) -> Path:
        """Folder of the state, if it is in a folder; see `state.py`."""
        return self.home / "state"

    @property
    def copies(self) -> Path:
        """Folder of what this machine has read of a state in an object store."""
        return self.home / "copies"

    @property
    def mirrors(self) -> Path:
        """Folder of the bare git mirrors."""
        return self.home / "mirrors"


def home_settings(home: Path) -> Settings:
    """Return the settings of a home folder without Airflow, from its environment variables."""
    texts = {
        name: os.environ.get(f"AIRFLOW__{SECTION.upper()}__{name.upper()}", "")
        for name in _FOR_SYNC
    }
    return read_options({"home": str(home), **{name: text for name, text in texts.items() if text}})


def load_settings() -> Settings:
    """Read airflow.cfg and its environment variables (AIRFLOW__GITLAB_CI__...).

    Raises:
        SettingsError: an option has a value of the wrong type; the message says which.
    """
    from airflow.configuration import AIRFLOW_HOME, conf

    written = {
        option.name: conf.get(SECTION, option.name, fallback="") for option in fields(Settings)
    }
    defaults = {
        "home": str(Path(AIRFLOW_HOME) / "gitlab_ci"),
        "helper_image": f"gitlab-ci-helper:{__version__}",
    }
    return read_options(defaults | {name: text for name, text in written.items() if text})


def bundle_kwargs(classpath: str) -> dict[str, dict[str, Any]]:
    """Read the `kwargs` of the DAG bundles of one class, by the name of the bundle.

    Raises:
        SettingsError: `[dag_processor] dag_bundle_config_list` is not a list of bundles.
    """
    from airflow.configuration import conf

    listed = conf.getjson("dag_processor", "dag_bundle_config_list", fallback=[])
    try:
        found = convert(listed or [], list[_Bundle])
    except msgspec.ValidationError as problem:
        words = f"[dag_processor] dag_bundle_config_list: {problem}"
        raise SettingsError(words) from problem
    return {bundle.name: bundle.kwargs for bundle in found if bundle.classpath == classpath}


class _Bundle(msgspec.Struct):
    name: str
    classpath: str
    kwargs: dict[str, Any] = {}


def read_options(given: dict[str, str]) -> Settings:
    """Read options from their texts.

    Raises:
        SettingsError: an option has a value of the wrong type; the message says which.
    """
    decoder(Settings)
    try:
        return msgspec.convert(
            given, Settings, strict=False, dec_hook=lambda kind, text: kind(text)
        )
    except msgspec.ValidationError as problem:
        words = str(problem).replace("at `$.", f"at `[{SECTION}] ")
        raise SettingsError(f"airflow.cfg: {words}") from problem

"""A run whose ref has other jobs than its DAG: it goes on in a DAG that has them.

Who asks for a run names a ref, in Airflow's form or by its API, and need not know which DAG fits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.topology import differences
from gitlab_ci_provider.operators.downstream_run import RunKey, start_run
from gitlab_ci_provider.operators.pinned import Pinned
from gitlab_ci_provider.operators.run_form import REF, SHA, SOURCE
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.dag_files import publish
from gitlab_ci_provider.snapshots.refs import record_at_run
from gitlab_ci_provider.snapshots.store import SnapshotStore

MOVED_TO = "moved_to"
"""XCom of `create_pipeline`: DAG and run in which the pipeline is."""

_MOVED_FROM = "moved_from"
"""Key of the new run's conf: the DAG and run that it stands for."""

_PATIENCE = 20
"""Seconds that a worker itself waits for a new DAG, before it is given back between looks."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a run goes on; `started` is False as long as Airflow has yet to read the DAG."""

    key: RunKey
    started: bool


def hand_over(
    context: Context, record: DagRecord, shown: Pipeline, pinned: Pinned, settings: Settings
) -> Moved | None:
    """Start the run's pipeline in the DAG that fits it; None when this DAG does.

    Raises:
        ConfigError: it was handed over before, or is a child pipeline; or Airflow does not read the
            new DAG in time.
    """
    listed = differences(shown, pinned.pipeline)
    if not listed:
        return None
    conf = dict(context["dag_run"].conf or {})
    if _MOVED_FROM in conf or record.kind is DagKind.CHILD or pinned.context.upstream:
        message = f"this ref's pipeline has other jobs than this DAG ({listed}): trigger it again"
        raise ConfigError(message)
    store, owner = SnapshotStore(settings.snapshots), dag_id(record.project.path)
    target = record_at_run(store, store.load_dag(owner), pinned.ref, pinned.digest)
    if target.kind is DagKind.REF:
        publish(store, target, settings.dag_files)
        store.touch(target)
    ti = context["ti"]
    # Airflow keeps names that begin with `scheduled__` for its own schedules.
    key = RunKey(dag=target.dag_id, run=ti.run_id.replace("scheduled__", "moved__", 1))
    wanted = pinned.context
    asked = {
        **conf,
        REF: wanted.ref.unmistakable,
        SHA: wanted.ref.sha,
        SOURCE: wanted.source,
        _MOVED_FROM: {"dag": ti.dag_id, "run": ti.run_id},
    }
    return Moved(key, _start(context, key, asked, settings.child_dag_timeout))


def _start(context: Context, key: RunKey, conf: dict[str, Any], limit: int) -> bool:
    note = f"asked for as {context['ti'].dag_id}"
    begun = time.monotonic()
    while not start_run(key, conf, note):
        started: datetime | None = context["dag_run"].start_date
        if started and (datetime.now(UTC) - started).total_seconds() > limit:
            raise ConfigError(f"Airflow has not read the new DAG {key.dag} within {limit} s")
        if time.monotonic() - begun > _PATIENCE:
            return False
        time.sleep(1)
    return True

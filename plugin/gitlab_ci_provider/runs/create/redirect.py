"""A run whose ref has other jobs than its DAG: it goes on in a DAG that has them.

Who asks for a run names a ref, in Airflow's form or by its API, and need not know which DAG fits.
A run that stays holds its DAG, so that no later commit changes the jobs under it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.hooks.dag_runs import RunKey, start_run
from gitlab_ci_provider.model.dag_record import DagKind, DagRecord
from gitlab_ci_provider.model.names import dag_id
from gitlab_ci_provider.model.topology import differences
from gitlab_ci_provider.runs.create.commit import Pinned
from gitlab_ci_provider.runs.form import REF, SHA, SOURCE
from gitlab_ci_provider.runs.holding import PATIENCE, let_go_of_ended, wait_until_read
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.snapshots.dag_files import publish
from gitlab_ci_provider.snapshots.holds import Holds
from gitlab_ci_provider.snapshots.refs import reserve_for_run
from gitlab_ci_provider.state import open_state

_MOVED_FROM = "moved_from"
"""Key of the new run's conf: the DAG and run that it stands for."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a run goes on; `started` is False as long as Airflow has yet to read the DAG."""

    key: RunKey
    started: bool


def hand_over(
    context: Context, record: DagRecord, pinned: Pinned, settings: Settings
) -> Moved | None:
    """Start the run's pipeline in the DAG that fits it; None when this DAG does, and will.

    Raises:
        ConfigError: it was handed over before, or is a child pipeline; or Airflow does not read the
            new DAG in time.
    """
    ti, conf = context["ti"], dict(context["dag_run"].conf or {})
    holds, limit = open_state(settings).holds, settings.child_dag_timeout
    bound = _MOVED_FROM in conf or record.kind is DagKind.CHILD or pinned.context.upstream
    let_go_of_ended(holds, ti.dag_id)
    fits = holds.take(ti.dag_id, ti.run_id, pinned.digest)
    if fits and wait_until_read(context, pinned.pipeline):
        return None
    if bound:
        _stay(context, holds, pinned, limit, fits=fits)
        return Moved(RunKey(dag=ti.dag_id, run=ti.run_id), started=False)
    holds.drop(ti.dag_id, ti.run_id)
    # Airflow keeps names that begin with `scheduled__` for its own schedules.
    run = ti.run_id.replace("scheduled__", "moved__", 1)
    owner, wanted = dag_id(record.project.path), pinned.context
    target = reserve_for_run(holds, owner, (pinned.ref, pinned.digest), run, but=ti.dag_id)
    if target.kind is DagKind.REF:
        publish(target, settings.dag_files)
    key = RunKey(dag=target.dag_id, run=run)
    asked = {
        **conf,
        REF: wanted.ref.unmistakable,
        SHA: wanted.ref.sha,
        SOURCE: wanted.source,
        _MOVED_FROM: {"dag": ti.dag_id, "run": ti.run_id},
    }
    return Moved(key, _start(context, key, asked, limit))


def _stay(context: Context, holds: Holds, pinned: Pinned, limit: int, *, fits: bool) -> None:
    """Make sure that it makes sense to wait for this DAG: the run cannot go elsewhere."""
    dag = context["ti"].dag_id
    if not fits:
        shown = holds.store.load_pipeline(holds.store.load_dag(dag).digest)
        listed = differences(shown, pinned.pipeline)
        message = f"this ref's pipeline has other jobs than this DAG ({listed}): trigger it again"
        raise ConfigError(message)
    _check_patience(context, dag, limit)


def _start(context: Context, key: RunKey, conf: dict[str, Any], limit: int) -> bool:
    note = f"asked for as {context['ti'].dag_id}"
    begun = time.monotonic()
    while not start_run(key, conf, note):
        _check_patience(context, key.dag, limit)
        if time.monotonic() - begun > PATIENCE:
            return False
        time.sleep(1)
    return True


def _check_patience(context: Context, dag: str, limit: int) -> None:
    started: datetime | None = context["dag_run"].start_date
    if started and (datetime.now(UTC) - started).total_seconds() > limit:
        raise ConfigError(f"Airflow has not read the new DAG {dag} within {limit} s")

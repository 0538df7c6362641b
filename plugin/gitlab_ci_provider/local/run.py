"""`gitlab-dags run`: one repository's pipeline on the embedded stack, followed to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.local.api import AirflowApi
from gitlab_ci_provider.local.downstream import is_settled
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.progress import Follower, Snapshot
from gitlab_ci_provider.local.report import build_report
from gitlab_ci_provider.local.request import RunRequest
from gitlab_ci_provider.local.state import StackState
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.snapshots.store import SnapshotStore

Show = Callable[[Snapshot], None]

_LOOK_SECONDS = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedRun:
    """A run that has ended, or that waits for a person."""

    follower: Follower
    end: Snapshot
    report: dict[str, Any]
    blocked: tuple[str, ...] = ()


def run_pipeline(
    home: Home, state: StackState, record: DagRecord, request: RunRequest, show: Show
) -> FollowedRun:
    """Trigger a synced project's pipeline and follow it.

    A manual job that the pipeline waits for ends the run as canceled: nobody is there to play it.
    An interrupt (Ctrl-C) stops the run and its pods first.
    """
    api = AirflowApi(state.access)
    dag = record.dag_id
    pipeline = SnapshotStore(home.data / "snapshots").load_pipeline(record.digest)
    if unknown := sorted(set(request.jobs) - set(pipeline.jobs)):
        listed = ", ".join(pipeline.jobs)
        raise SourceError(f"no job named {', '.join(unknown)}; there are: {listed}")
    api.wait_for_dag(dag, record.digest)
    run = api.trigger(dag, request.conf(request.ref or record.ref.name))
    follower = Follower(api, dag, run, pipeline)
    try:
        end = _follow(follower, show)
        _wait_for_downstream(follower)
    except BaseException:
        _stop(follower)
        raise
    blocked = () if end.ended else end.blocked
    if blocked:
        _stop(follower)
    report = build_report(follower, end, home, canceled=bool(blocked))
    return FollowedRun(follower=follower, end=end, report=report, blocked=blocked)


def _wait_for_downstream(follower: Follower) -> None:
    """Wait for pipelines that no job waits for: the stack may end with this run."""
    api = follower.api
    while not all(is_settled(api, one) for one in follower.downstream()):
        time.sleep(_LOOK_SECONDS)


def _stop(follower: Follower) -> None:
    """Stop a run and what it has created."""
    runs = [(one.dag, one.run) for one in follower.downstream()]
    for dag, run in [(follower.dag, follower.run), *runs]:
        if follower.api.run_state(dag, run) not in {"success", "failed"}:
            follower.api.stop_run(dag, run)


def _follow(follower: Follower, show: Show) -> Snapshot:
    """Look again and again until the run has ended or waits for a person."""
    while True:
        now = follower.look()
        show(now)
        if now.ended or now.blocked:
            return now
        time.sleep(_LOOK_SECONDS)

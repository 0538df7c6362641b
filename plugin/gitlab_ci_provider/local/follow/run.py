"""`gitlab-dags run`: one repository's pipeline on the embedded stack, followed to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gitlab_ci_provider.airflow_api.client import AirflowApi
from gitlab_ci_provider.airflow_api.pipelines import PipelineKey, followed
from gitlab_ci_provider.local.follow.downstream import is_settled
from gitlab_ci_provider.local.follow.progress import Follower, RunProgress
from gitlab_ci_provider.local.follow.result import run_result
from gitlab_ci_provider.local.home import Home
from gitlab_ci_provider.local.stack.state import StackState, connect
from gitlab_ci_provider.model.airflow_states import RUN_ENDED
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.topology import shown
from gitlab_ci_provider.records.register import Register
from gitlab_ci_provider.settings import home_settings
from gitlab_ci_provider.snapshots.store import SnapshotStore
from gitlab_ci_provider.state import open_state

_LOOK_SECONDS = 0.4

Begin = Callable[[Follower], None]
Show = Callable[[RunProgress], None]
Still = Callable[[], bool]
Play = Callable[[Sequence[str], Still], Sequence[str]]
"""Choose which of the manual jobs that the pipeline waits for to play; in the meantime they may be
played in the Airflow UI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Callbacks: the run has started, it has changed, something takes long, jobs can be played."""

    begin: Begin
    show: Show
    tell: Callable[[str], None]
    play: Play


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedRun:
    """A run that is no longer followed.

    Attributes:
        how: it has `ended`, it is `waiting` for a person, or it was `stopped` here.
        blocked: the manual jobs that it waits for, or waited for when it was stopped.
    """

    follower: Follower
    end: RunProgress
    result: dict[str, Any]
    how: Literal["ended", "waiting", "stopped"] = "ended"
    blocked: tuple[str, ...] = ()


def run_pipeline(
    home: Home, state: StackState, record: DagRecord, conf: Mapping[str, Any], watch: Watch
) -> FollowedRun:
    """Trigger a synced project's pipeline and follow it.

    An interrupt (Ctrl-C) stops the run and its pods first. Any other failure leaves the run alone:
    the run itself may be fine.

    Args:
        home: of the stack.
        state: of the stack.
        record: of the project.
        conf: of the run, see `runs/form.py`.
        watch: callbacks.

    Raises:
        AirflowApiError: the run can no longer be followed.
    """
    api, dag = connect(home, state, watch.tell), record.dag_id
    stored = open_state(home_settings(home.data))
    pipeline = stored.snapshots.load_pipeline(record.digest)
    api.wait_for_dag(dag, shown=shown(pipeline), file=home.dags / f"{dag}.py")
    follower = Follower(api, dag, _named(api, stored.register, record, conf), pipeline)
    try:
        api.trigger(dag, conf, follower.run)
        watch.begin(follower)
        end = _follow(follower, watch)
        while moved := _where_it_goes_on(follower, stored.snapshots):
            follower = moved
            watch.begin(follower)
            end = _follow(follower, watch)
        _wait_for_downstream(follower)
    except KeyboardInterrupt:
        watch.tell("stopping the pipeline ... (press Ctrl-C again to leave it running)")
        stopped = _stopped(follower, home)
        watch.show(stopped.end)
        return stopped
    return _report(follower, end, home)


def _report(follower: Follower, end: RunProgress, home: Home) -> FollowedRun:
    """Report a run that has ended, or that waits for a person."""
    if end.ended:
        return FollowedRun(follower=follower, end=end, result=run_result(follower, end, home))
    result = run_result(follower, end, home, status="manual")
    return FollowedRun(
        follower=follower, end=end, result=result, how="waiting", blocked=end.blocked
    )


def _where_it_goes_on(follower: Follower, snapshots: SnapshotStore) -> Follower | None:
    """Return a follower in the DAG that has the run's jobs, when the DAG of the ref lacks them.

    Includes may depend on the source, on variables and on changed files.
    """
    here = PipelineKey(dag=follower.dag, run=follower.run)
    key = followed(follower.api, here)
    if key == here:
        return None
    pipeline = snapshots.load_pipeline(snapshots.load_dag(key.dag).digest)
    return Follower(follower.api, key.dag, key.run, pipeline)


def _named(api: AirflowApi, register: Register, record: DagRecord, conf: Mapping[str, Any]) -> str:
    """Name the run by the number that its pipeline will have."""
    sha = str(conf.get("sha") or record.ref.sha)
    return register.reserve(
        record.project.path,
        str(conf["ref"]),
        sha,
        taken=lambda run: api.has_run(record.dag_id, run),
    )


def stop_waiting(run: FollowedRun, home: Home) -> FollowedRun:
    """Stop a run that waits for a person."""
    return replace(_stopped(run.follower, home), blocked=run.blocked)


def _wait_for_downstream(follower: Follower) -> None:
    """Wait for pipelines that no job waits for, so that their end is known, too."""
    api = follower.api
    while not all(is_settled(api, run) for run in follower.downstream()):
        time.sleep(_LOOK_SECONDS)


def _stopped(follower: Follower, home: Home) -> FollowedRun:
    """Stop a run that has begun, and the runs that it has created; report how it ended."""
    api = follower.api
    if not api.has_run(follower.dag, follower.run):
        raise KeyboardInterrupt
    runs = [(below.dag, below.run) for below in follower.downstream()]
    for dag, run in [(follower.dag, follower.run), *runs]:
        if api.run_state(dag, run) not in RUN_ENDED:
            api.stop_run(dag, run)
    end = follower.look()
    result = run_result(follower, end, home, status="canceled")
    return FollowedRun(follower=follower, end=end, result=result, how="stopped")


def _follow(follower: Follower, watch: Watch) -> RunProgress:
    """Poll until the run has ended, or waits for a person who does not answer here."""
    played: set[str] = set()
    left: set[str] = set()
    while True:
        now = follower.look()
        watch.show(now)
        if now.ended:
            return now
        if waiting := now.blocked:
            asked = [job for job in waiting if job not in played | left]
            if asked:
                played |= set(watch.play(asked, lambda: bool(follower.look().blocked)))
                left |= set(asked) - played
            if not played.intersection(waiting):
                return follower.look()
            for job in played.intersection(waiting):
                follower.play(job)  # repeated in case Airflow has lost the answer
        time.sleep(_LOOK_SECONDS)

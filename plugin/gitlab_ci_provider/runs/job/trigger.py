"""Following a job's pod without a worker: an Airflow trigger that streams its log."""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError, to_thread
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from gitlab_ci_provider.airflow_internals.tasks import read_xcom, task_states, write_xcom
from gitlab_ci_provider.airflow_internals.trigger_log import keep_earlier_logs, lines_shown
from gitlab_ci_provider.exceptions import GitlabCiError, SettingsError, SystemFailure
from gitlab_ci_provider.hooks.async_kubernetes import PASSING, Place, RefusedError
from gitlab_ci_provider.hooks.ci_variables import values_to_hide
from gitlab_ci_provider.hooks.pod_deletion import delete_pod
from gitlab_ci_provider.hooks.pod_hub import UnreachableError, hub_of
from gitlab_ci_provider.hooks.pod_trigger_io import OutOfTimeError, TriggerIO
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.run import BY_HAND, JobResult, JobStatus
from gitlab_ci_provider.pods.grace import SERVICES_GRACE
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.service_watch import ServiceWatch
from gitlab_ci_provider.pods.starting import Starting
from gitlab_ci_provider.runs.job.coverage import CoverageScan
from gitlab_ci_provider.runs.job.follower import Follower
from gitlab_ci_provider.runs.job.handover import Handover, Why, pack, unpack
from gitlab_ci_provider.runs.job.last_words import to_the_last_word
from gitlab_ci_provider.runs.job.log import job_log, without_first
from gitlab_ci_provider.runs.job.passed import has_warnings, passed
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.variables.masking import log_masker

_WHY: dict[str, Why] = {"late": "late", "hopeless": "", "over": ""}

_ENDED = frozenset({None, "failed", "success", "skipped", "removed", "upstream_failed"})
"""States of a task that is not going to come back for its pod."""

_log = logging.getLogger(__name__)


class JobPodTrigger(BaseTrigger):
    """Fires when a worker is needed for the pod, or ends the task of a job that has passed.

    The helper has hidden the job's secrets in the log before the node wrote it. What it does not
    know, such as secrets of other projects, is read from Airflow's Variables and hidden here.

    Args:
        handover: which pod, and how far the worker has followed it.
        patience: seconds for a container to start.
        grace: seconds for which images may fail to be pulled.
        outage: seconds for which Kubernetes may be unreachable.
        coverage: the job's pattern.
        kept: the file that keeps the job's log; empty if none does.
    """

    def __init__(
        self,
        *,
        handover: dict[str, Any],
        patience: float,
        grace: float,
        outage: float,
        coverage: str | None = None,
        kept: str = "",
    ):
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's has no types
        self.handover = handover
        self.patience = patience
        self.grace = grace
        self.outage = outage
        self.coverage = coverage
        self.kept = kept
        self._ended = False
        self._pod: SeenPod | None = None

    @property
    def task_instance(self) -> Any:
        """The task, as the triggerer gives it before it opens the trigger's log."""
        return BaseTrigger.task_instance.fget(self)  # type: ignore[attr-defined]

    @task_instance.setter
    def task_instance(self, task_instance: Any) -> None:
        BaseTrigger.task_instance.fset(self, task_instance)  # type: ignore[attr-defined]
        keep_earlier_logs(task_instance)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what makes the same trigger elsewhere."""
        names = ("handover", "patience", "grace", "outage", "coverage", "kept")
        given = {name: getattr(self, name) for name in names}
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Follow the pod."""
        work = asyncio.create_task(self._followed(unpack(self.handover)))
        left = await to_the_last_word(work, self._end_pod)
        yield TaskSuccessEvent() if await self._is_done(left) else TriggerEvent(pack(left))

    async def on_kill(self) -> None:
        """Delete the pod of a task that a person has ended before `run` could."""
        await self._end_pod()

    async def _is_done(self, left: Handover) -> bool:
        """Record how the job has passed, and delete its pod; false if a worker has to do that."""
        if not left.archive_key:
            return False
        result = passed(left, self._pod)
        if result is None:
            return self._pod is None and await to_thread(self._was_done, left)
        if await to_thread(self._state) != "deferred":
            return False
        await to_thread(self._tell, result)
        place = Place(left.connection, left.namespace)
        if problem := await delete_pod(place, left.pod, left.uid, self.outage, SERVICES_GRACE):
            self.log.warning("the pod is left for the end of the pipeline: %s", problem)
        return True

    def _was_done(self, left: Handover) -> bool:
        """Tell whether a triggerer has recorded it, and was lost before Airflow knew."""
        ti: Any = self.task_instance
        told = read_xcom(ti.dag_id, ti.run_id, ti.task_id, xcom_keys.JOB_RESULT)
        known = told if isinstance(told, dict) else {}
        return (known.get("status"), known.get("pod")) == (JobStatus.SUCCESS, left.pod)

    async def _end_pod(self) -> bool:
        """Delete the pod of a task that a person has ended or cleared; it may take its time to end.

        Airflow also has this called when another triggerer takes over, or has finished.
        """
        if self._ended:
            return True
        state = await to_thread(self._state)
        if state not in _ENDED:
            return False
        self._ended = True
        self.log.warning("the task was ended by hand: the pod is deleted, after_script still runs")
        handover = unpack(self.handover)
        place = Place(handover.connection, handover.namespace)
        pod = (handover.pod, handover.uid)
        deleting = asyncio.create_task(delete_pod(place, *pod, self.outage, handover.grace))
        if state == "failed":
            canceled = JobResult(status=JobStatus.CANCELED, reason=BY_HAND)
            await to_thread(self._tell, canceled)
        if problem := await deleting:
            self.log.warning("the pod is left for the end of the pipeline: %s", problem)
        return True

    def _state(self) -> str | None:
        ti: Any = self.task_instance
        return task_states(ti.dag_id, ti.run_id, [ti.task_id]).get(ti.task_id, "removed")

    def _tell(self, result: JobResult) -> None:
        """Leave the job's result: no worker comes back to do it."""
        ti: Any = self.task_instance
        write_xcom(ti.dag_id, ti.run_id, ti.task_id, xcom_keys.JOB_RESULT, plain(result))

    async def _followed(self, handover: Handover) -> Handover:
        try:
            masker = log_masker(await to_thread(values_to_hide, handover.hides))
        except Exception as problem:  # noqa: BLE001 - a secrets backend may raise anything
            words = problem if isinstance(problem, GitlabCiError) else type(problem).__name__
            self.log.warning("the triggerer cannot hide secrets, a worker goes on: %s", words)
            return replace(handover, why="unfit")
        # What an earlier hop has shown is not shown again: only lines of this one are counted.
        job_lines = logging.getLogger(f"{__name__}.{handover.hop}")
        shown = await lines_shown(self.task_instance, job_lines.name)
        say = without_first(lambda line: job_lines.info("%s", line), shown)
        path = Path(self.kept) if self.kept else None
        with job_log(say, path, masker, handover.position) as log:
            follower = Follower(
                log=log,
                coverage=CoverageScan(self.coverage, handover.position.coverage),
                starting=Starting(
                    grace=self.grace,
                    unsettled=handover.unsettled,
                    say=lambda words: self.log.warning("%s", masker.text(words)),
                ),
                patience=self.patience,
                begin=handover.position,
                services=ServiceWatch(services=handover.services),
            )
            try:
                why = await self._follow(follower, handover)
            except CancelledError:
                log.abandon()  # the next reader begins where this one began
                raise
            position = follower.position()
        return replace(handover, position=position, why=why)

    async def _follow(self, follower: Follower, handover: Handover) -> Why:
        """Follow the pod; whatever ends that, a worker looks at it."""
        try:
            hub = hub_of(Place(handover.connection, handover.namespace), self.outage)
            async with hub.watching(handover.pod, _log) as watched:
                io = TriggerIO(pod=watched, deadline=handover.deadline)
                end = await io.perform(follower.steps())
                asks = passed(handover, end.pod) is not None and not follower.warned
                shown = handover.position.shown
                if not (asks and await has_warnings(hub.cluster, handover.pod, shown)):
                    self._pod = end.pod
        except OutOfTimeError:
            return "timeout"
        except (SystemFailure, UnreachableError, RefusedError, *PASSING) as problem:
            if not self._ended:
                self.log.warning("%s", problem)
            return ""
        except SettingsError as problem:
            self.log.warning("the triggerer cannot follow the pod, so a worker does: %s", problem)
            return "unfit"
        except Exception:
            self.log.exception("the triggerer cannot follow the pod, so a worker does")
            return "unfit"
        return "stuck" if follower.stuck else _WHY[end.kind]

"""The task of a job that is followed in three ways, without an Airflow around it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import TaskSuccessEvent

from gitlab_ci_provider.hooks.outages import patient
from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.hooks.triggerer import Life
from gitlab_ci_provider.model.job import Script
from gitlab_ci_provider.model.run import JobResult
from gitlab_ci_provider.runs.job.handover import pack, unpack
from gitlab_ci_provider.runs.job.objects import create
from gitlab_ci_provider.runs.job.pod_worker import PodWorker, taken_over
from gitlab_ci_provider.runs.job.shift import Shift, first_shift, next_shift, refuse_if_over
from gitlab_ci_provider.runs.job.trigger import JobPodTrigger
from integration.cluster.job_pods import job_objects
from integration.cluster.support import Api

LOG = logging.getLogger("job")
CONNECTION = "waiting_kubernetes"
WAYS = {"worker": 0, "deferred": 0, "adaptive": 1}
ARCHIVE = "artifacts/group/project/1/job/1/artifacts.zip"


@dataclass
class Task:
    """The task of a job, from its first worker to its last, without Airflow between them.

    Attributes:
        ends: the triggerer ends it if the job passes; otherwise a worker comes back.
        state: of the task, as Airflow tells the triggerer.
        told: results that the triggerer has recorded.
    """

    api: Api
    folder: Path
    way: str
    name: str
    timeout: float = 600
    hops: int = 0
    change: Callable[[Any], object] = lambda _: None
    made: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    patience: float = 60
    triggerer: Life = "alive"
    unfit: bool = False
    killed: bool = False
    marked: bool = False
    hides: tuple[str, ...] = ()
    archive_key: str = ""
    handed: list[dict[str, Any]] = field(default_factory=list)
    ends: bool = False
    state: str = "deferred"
    told: list[JobResult] = field(default_factory=list)

    def run(self, script: str, **masked: str) -> Any:
        """Run the job; gives its result."""
        self.core = patient(self.api.core(), 60, LOG)
        pod, secret = job_objects(self.name, self.api.namespace, Script(main=(script,)), **masked)
        self.change(pod)
        operator = self.operator()
        operator.pod = create(self.core, pod, secret)
        shift = replace(
            first_shift(operator, self.job().settings),
            hides=self.hides,
            archive_key=ARCHIVE if self.ends else "",
        )
        version = operator.pod.metadata.resource_version
        self.made()
        watched = PodWatch(
            client=self.core, name=self.name, namespace=self.api.namespace, version=version
        )
        return self._followed(lambda: self.worker(operator, shift).follow(watched))

    def _followed(self, work: Callable[[], Any]) -> Any:
        while True:
            try:
                return work()
            except TaskDeferred as left:
                self.hops += 1
                event = asyncio.run(self.triggered(left.trigger))
                if event is None:
                    return self.told[-1]
                work = self.resumed(event)

    def resumed(self, event: dict[str, Any]) -> Callable[[], Any]:
        """Give what the next worker does."""
        self.handed.append(event)
        operator, handed = self.operator(), unpack(json.loads(json.dumps(event)))
        shift = next_shift(operator, self.job().settings, handed)
        refuse_if_over(shift, operator)
        return lambda: self.worker(operator, shift).follow(taken_over(operator))

    def worker(self, operator: Any, shift: Shift) -> PodWorker:
        return PodWorker(
            operator=operator,
            run=self.job(),
            shift=shift,
            start_timeout=self.patience,
            archive_key=self.archive_key,
            triggerer=lambda: self.triggerer,
            still_runs=lambda _: not self.marked,
        )

    async def triggered(self, trigger: JobPodTrigger) -> dict[str, Any] | None:
        """Run the trigger as another process does, that has it from the database; None at its end.

        What it asks Airflow, the test answers.
        """
        _, given = trigger.serialize()
        again = JobPodTrigger(**json.loads(json.dumps(given)))
        again._state = lambda: self.state  # type: ignore[method-assign]
        again._tell = self.told.append  # type: ignore[method-assign, assignment]
        again._was_done = lambda left: bool(self.told)  # type: ignore[method-assign]
        self.after()
        if self.unfit:
            return pack(replace(unpack(again.handover), why="unfit"))
        event = await anext(again.run())
        return None if isinstance(event, TaskSuccessEvent) else event.payload

    def operator(self) -> Any:
        timeout = SimpleNamespace(total_seconds=lambda: self.timeout)
        return SimpleNamespace(
            log=LOG,
            client=self.core,
            _killed=self.killed,
            pod=None,
            kubernetes_conn_id=CONNECTION,
            execution_timeout=timeout,
        )

    def job(self) -> Any:
        settings = SimpleNamespace(
            image_pull_grace=0,
            kubernetes_outage=60,
            job_logs_folder=str(self.folder),
            waiting=self.way,
            defer_after=WAYS[self.way],
        )
        ti = SimpleNamespace(
            dag_id="d", run_id="r", task_id=self.name, try_number=1, xcom_push=lambda **_: None
        )
        job = SimpleNamespace(coverage=r"/coverage (\d+)%/")
        return SimpleNamespace(context={"ti": ti}, job=job, settings=settings)

    @property
    def kept(self) -> str:
        """The log as the job wrote it."""
        return (self.folder / "d" / "r" / self.name / "1.log").read_text()

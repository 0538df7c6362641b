"""One try of a bridge: create the downstream pipeline, wait for it, and end as it did.

Waiting is deferred to the triggerer and uses no worker; a task that Airflow starts again finds the
pipeline that it has already created.

Source: GitLab's `Ci::CreateDownstreamPipelineService` and `Ci::Bridge`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

from airflow.sdk.exceptions import AirflowSkipException

from gitlab_ci_provider.airflow_internals.tasks import defer
from gitlab_ci_provider.exceptions import (
    FailureReason,
    GitlabCiError,
    JobFailure,
    SystemFailure,
)
from gitlab_ci_provider.hooks.dag_runs import RunKey, end_of, start_run
from gitlab_ci_provider.model.begun_note import begun_note
from gitlab_ci_provider.model.bridge import UPSTREAM, Upstream
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.runs.bridge.cancel_child import orders_to
from gitlab_ci_provider.runs.bridge.downstream import BridgeRun, Memory
from gitlab_ci_provider.runs.bridge.trigger import DownstreamTrigger, Until
from gitlab_ci_provider.runs.cancel.auto import cancel_rest
from gitlab_ci_provider.runs.dag_reading import check_limit, look_later, wait_in_worker
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import plain, push_result
from gitlab_ci_provider.runs.resource_group import turn
from gitlab_ci_provider.runs.task_errors import TaskFailed, said
from gitlab_ci_provider.schedule.bridge import inherited

_log = logging.getLogger(__name__)


class BridgeTry:
    """One try of a bridge.

    Attributes:
        url: of the downstream pipeline in the Airflow UI, as soon as it is known.
    """

    def __init__(self, run: JobRun):
        self._run = run
        self._bridge = BridgeRun(run)
        self.url = ""

    def create(self) -> None:
        """Create the pipeline once, and wait for it.

        Raises:
            TaskDeferred: until the pipeline is created or has ended; resumed with `resume`.
            TaskFailed: GitLab would not create it.
        """
        with self._telling():
            turn.take_turn(self._run)
            memory, upstream = self._bridge.prepare()
            if upstream is not None:
                self._start(memory, upstream)
            self._show(memory.key)
        self._wait(memory.key)

    def resume(self, *, gone: bool) -> None:
        """Take over the status of the pipeline that was waited for.

        Args:
            gone: its run was deleted.
        """
        memory = self._bridge.memory()
        with self._telling():
            if memory is None or gone:
                raise SystemFailure("the run of the downstream pipeline was deleted")
            self._show(memory.key)
            self._bridge.check_created(memory.key)
            strategy = self._bridge.strategy
            end = end_of(self._run.context, memory.key) if strategy else None
            self._inherit(inherited(strategy, end))
        turn.give_back(self._run)

    def fail(self, failure: JobFailure) -> NoReturn:
        """End the job as failed.

        Raises:
            TaskFailed: always.
        """
        self._tell(failure)
        turn.give_back(self._run)
        if not self._run.may_fail():
            cancel_rest(self._run)
        raise TaskFailed(f"{self._run.job.name}: {failure} ({failure.reason})")

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Record how the job ended: otherwise its failed task would count as canceled."""
        try:
            yield
        except JobFailure as problem:
            self.fail(problem)
        except GitlabCiError as problem:
            reason = FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED
            self.fail(SystemFailure(str(problem), reason=reason))
        except (AirflowSkipException, TaskFailed):
            turn.give_back(self._run)
            raise
        except Exception as problem:
            self._tell(SystemFailure(said(problem), reason=FailureReason.UNKNOWN_FAILURE))
            raise

    def _start(self, memory: Memory, upstream: Upstream) -> None:
        """Start the run; a child's DAG may be so new that Airflow has yet to read it."""
        key, run = memory.key, self._run
        conf = {UPSTREAM: plain(upstream)}
        note = begun_note(conf, "")
        if not wait_in_worker(lambda: start_run(key, memory.shape, conf, note)):
            waited = time.time() - memory.since  # noqa: TID251 - since another process began
            check_limit(key.dag, waited, run.settings.child_dag_timeout)
            look_later(key.dag)
        self._bridge.check_own(key, upstream)

    def _wait(self, key: RunKey) -> None:
        until: Until = "ended" if self._bridge.strategy else "created"
        _log.info("waiting until it is %s (deferred: no worker slot is used)", until)
        me = [self._run.record.dag_id, self._run.record.run_id, self._run.job.name]
        trigger = DownstreamTrigger(
            dag=key.dag,
            run=key.run,
            until=until,
            bridge=me,
            child=bool(self._bridge.bridge.includes),
            obeyed=orders_to(self._run.state, *me),
        )
        defer(trigger, "resume")

    def _show(self, key: RunKey) -> None:
        """Log the address of the downstream pipeline; the task's link leads there, too."""
        self.url = key.url(self._run.context)
        _log.info("downstream pipeline: %s", self.url)

    def _inherit(self, result: JobResult) -> None:
        """End as the downstream pipeline has."""
        _log.info("%s: %s", self._run.job.name, result.reason)
        if result.status == JobStatus.FAILED:
            raise SystemFailure(result.reason, reason=FailureReason.UNKNOWN_FAILURE)
        push_result(self._run, replace(result, downstream=self.url))
        if result.status == JobStatus.SKIPPED:
            raise AirflowSkipException(result.reason)
        if result.status == JobStatus.CANCELED:
            raise TaskFailed(result.reason)

    def _tell(self, failure: JobFailure) -> None:
        result = JobResult(
            status=JobStatus.FAILED,
            allowed_failure=self._run.may_fail(),
            failure_reason=failure.reason,
            reason=str(failure),
            downstream=self.url,
        )
        push_result(self._run, result)

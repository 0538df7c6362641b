"""The task of a `trigger:` job: creates another pipeline, and waits for it when it has a strategy.

A bridge is no pod. Waiting is deferred to the triggerer and holds no worker; a task that Airflow
starts anew finds the pipeline that it has created before.

Source: GitLab's `Ci::CreateDownstreamPipelineService` and `Ci::Bridge`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from gitlab_ci_provider.exceptions import (
    FailureReason,
    GitlabCiError,
    JobFailure,
    NoPipelineError,
    SystemFailure,
)
from gitlab_ci_provider.hooks.dag_runs import (
    RunKey,
    end_of,
    start_run,
)
from gitlab_ci_provider.model.bridge import UPSTREAM, Upstream
from gitlab_ci_provider.model.run import JobResult, JobStatus
from gitlab_ci_provider.operators.links import DownstreamLink
from gitlab_ci_provider.runs.bridge.cancel_child import orders_to
from gitlab_ci_provider.runs.bridge.run import BridgeRun, Memory
from gitlab_ci_provider.runs.bridge.trigger import DownstreamTrigger, Until
from gitlab_ci_provider.runs.cancel.auto import cancel_rest
from gitlab_ci_provider.runs.cancel.jobs import obey
from gitlab_ci_provider.runs.failing import TaskFailed
from gitlab_ci_provider.runs.job_run import JobRun, load_job_run
from gitlab_ci_provider.runs.manual import start as manual_start
from gitlab_ci_provider.runs.record import plain, push_result
from gitlab_ci_provider.runs.resource_group import turn
from gitlab_ci_provider.schedule.bridge import inherited
from gitlab_ci_provider.schedule.decide import Start, Verdict

_ENDS_WITHOUT_RUNNING = {Start.SKIP: JobStatus.SKIPPED, Start.ABSENT: JobStatus.ABSENT}
_PATIENCE = 20
"""Seconds that a worker itself waits for a new DAG, before it is given back between looks."""

_LATER = timedelta(seconds=10)

_UNREAD = (
    "Airflow has not read the DAG {} within {} s ([gitlab_ci] child_dag_timeout). Does its DAG "
    "processor run, and look often enough ([dag_processor] refresh_interval and "
    "min_file_process_interval)?"
)


class GitlabBridgeOperator(BaseOperator):
    """Creates the downstream pipeline of one `trigger:` job.

    Args:
        job: the job's name in the pipeline.
    """

    template_fields = ()
    ui_color = "#e3ecfd"
    operator_extra_links = (DownstreamLink(),)

    def __init__(self, *, job: str, **kwargs: Any):
        super().__init__(trigger_rule="all_done", do_xcom_push=False, **kwargs)
        self.job = job
        self.downstream_url = ""

    def execute(self, context: Context) -> None:
        """Create the pipeline, or end without one when GitLab would."""
        self.begin(context)

    def begin(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow passes it
        """Begin, perhaps once more after jobs that the DAG could not have it wait for."""
        run = self._load(context)
        manual_start.wait_for_jobs(self, run)
        verdict = run.verdict()
        self.log.info("%s: %s (%s)", self.job, verdict.start, verdict.reason)
        if verdict.start in _ENDS_WITHOUT_RUNNING:
            self._end(context, _ENDS_WITHOUT_RUNNING[verdict.start], verdict)
        if verdict.start in manual_start.WAITS:
            run = manual_start.wait(self, context, run, verdict) or self._pass_over(
                context, verdict
            )
        self._create(context, run)

    def play(self, context: Context, event: Any = None) -> None:
        """Go on as a person has played the job, or end it as they said."""
        run = self._load(context)
        played = manual_start.answered(self, context, run, event or {})
        self._create(context, played or self._pass_over(context, run.verdict()))

    def go_off(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - Airflow passes it
        """Go on: the time of a delayed job has come."""
        self._create(context, manual_start.start(context, self._load(context)))

    def look_again(self, context: Context, event: Any = None) -> None:  # noqa: ARG002 - as above
        """Go on: perhaps Airflow has read the new DAG by now."""
        self._create(context, manual_start.started(context, self._load(context)))

    def resume(self, context: Context, event: Any = None) -> None:
        """Take over the state of the pipeline that was waited for."""
        run = self._load(context)
        bridge = BridgeRun(context, run)
        memory = bridge.memory()
        with self._telling(context, run):
            if memory is None or event == "gone":
                raise SystemFailure("the run of the downstream pipeline was deleted")
            self._show(context, memory.key)
            bridge.check_created(memory.key)
            end = end_of(context, memory.key) if bridge.strategy else None
            self._inherit(context, inherited(bridge.strategy, end))
        turn.give_back(run, self.log)

    def _load(self, context: Context) -> JobRun:
        try:
            run = load_job_run(context, self.job)
        except NoPipelineError as problem:
            push_result(context, JobResult(status=JobStatus.SKIPPED, reason=str(problem)))
            raise AirflowSkipException(str(problem)) from problem
        except GitlabCiError as problem:
            raise TaskFailed(str(problem)) from problem
        if reason := obey(context, run):
            raise AirflowSkipException(f"canceled {reason}")
        return run

    def _pass_over(self, context: Context, verdict: Verdict) -> NoReturn:
        """End as a manual job that nobody has played."""
        self._end(context, JobStatus.MANUAL, verdict)

    def _end(self, context: Context, status: JobStatus, verdict: Verdict) -> NoReturn:
        push_result(context, JobResult(status=status, reason=verdict.reason))
        raise AirflowSkipException(verdict.reason)

    def _create(self, context: Context, run: JobRun) -> None:
        """Create the pipeline once; whatever goes wrong is said in GitLab's words."""
        bridge = BridgeRun(context, run)
        with self._telling(context, run):
            turn.take_turn(self, run, method_name="look_again")
            memory, upstream = bridge.prepare()
            if upstream is not None:
                self._start(context, run, memory, upstream)
            self._show(context, memory.key)
        self._wait(run, bridge, memory.key)

    @contextmanager
    def _telling(self, context: Context, run: JobRun) -> Iterator[None]:
        """Have the job say how it ended: a failed task without a word would count as canceled."""
        try:
            yield
        except JobFailure as problem:
            self._fail(context, run, problem)
        except GitlabCiError as problem:
            self._fail(
                context,
                run,
                SystemFailure(
                    str(problem), reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED
                ),
            )
        except (AirflowSkipException, TaskFailed):
            turn.give_back(run, self.log)
            raise
        except Exception as problem:
            reason = f"{type(problem).__name__}, see the log of the task"
            self._tell(context, run, SystemFailure(reason, reason=FailureReason.UNKNOWN_FAILURE))
            raise

    def _wait(self, run: JobRun, bridge: BridgeRun, key: RunKey) -> None:
        until: Until = "ended" if bridge.strategy else "created"
        self.log.info("waiting until it is %s, which takes no worker", until)
        me = [run.record.dag_id, run.record.run_id, self.job]
        trigger = DownstreamTrigger(
            dag=key.dag,
            run=key.run,
            until=until,
            bridge=me,
            child=bool(bridge.bridge.includes),
            obeyed=orders_to(*me),
        )
        self.defer(trigger=trigger, method_name="resume")

    def _show(self, context: Context, key: RunKey) -> None:
        """Say where the downstream pipeline is; the link of the task leads there, too."""
        self.downstream_url = key.url(context)
        self.log.info("downstream pipeline: %s", self.downstream_url)

    def _start(self, context: Context, run: JobRun, memory: Memory, upstream: Upstream) -> None:
        """Start the run; a child's DAG may be so new that Airflow has yet to read it."""
        dag, limit = memory.key.dag, run.settings.child_dag_timeout
        note = f"Created by '{self.job}': {context['ti'].log_url}"
        begun = time.monotonic()
        while not start_run(memory.key, {UPSTREAM: plain(upstream)}, note):
            waited = time.time() - memory.since  # noqa: TID251 - since another process began
            if waited > limit:
                raise SystemFailure(
                    _UNREAD.format(dag, limit),
                    reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED,
                )
            self.log.info("Airflow has yet to read the DAG %s: %d s, at most %d s",
                          dag, waited, limit)  # fmt: skip
            if time.monotonic() - begun > _PATIENCE:
                self.defer(trigger=TimeDeltaTrigger(_LATER), method_name="look_again")
            time.sleep(1)

    def _inherit(self, context: Context, result: JobResult) -> None:
        """End as the downstream pipeline has."""
        self.log.info("%s: %s", self.job, result.reason)
        if result.status == JobStatus.FAILED:
            raise SystemFailure(result.reason, reason=FailureReason.UNKNOWN_FAILURE)
        push_result(context, replace(result, downstream=self.downstream_url))
        if result.status == JobStatus.SKIPPED:
            raise AirflowSkipException(result.reason)
        if result.status == JobStatus.CANCELED:
            raise TaskFailed(result.reason)

    def _fail(self, context: Context, run: JobRun, failure: JobFailure) -> NoReturn:
        self._tell(context, run, failure)
        turn.give_back(run, self.log)
        if not run.decision.allow_failure.allows(None):
            cancel_rest(context, run, self.log)
        raise TaskFailed(f"{self.job}: {failure} ({failure.reason})")

    def _tell(self, context: Context, run: JobRun, failure: JobFailure) -> None:
        result = JobResult(
            status=JobStatus.FAILED,
            allowed_failure=run.decision.allow_failure.allows(None),
            failure_reason=failure.reason,
            reason=str(failure),
            downstream=self.downstream_url,
        )
        push_result(context, result)

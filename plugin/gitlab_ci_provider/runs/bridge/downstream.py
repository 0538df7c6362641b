"""The pipeline that a bridge creates: chosen, and remembered so that it creates only one."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from functools import partial

from gitlab_ci_provider.airflow_internals.tasks import dag_is_paused, run_conf
from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.dag_runs import RunKey, pipeline_of
from gitlab_ci_provider.model.bridge import UPSTREAM, Bridge, Upstream
from gitlab_ci_provider.model.project import Ref
from gitlab_ci_provider.model.serialization import convert
from gitlab_ci_provider.planner.downstream import (
    DownstreamPlan,
    ancestor,
    check_lineage,
    plan_downstream,
)
from gitlab_ci_provider.runs.bridge.target import (
    Target,
    child,
    known_project,
    other_project,
)
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.plan_request import plan_request
from gitlab_ci_provider.runs.record import plain
from gitlab_ci_provider.variables.expand import expand_on_server
from gitlab_ci_provider.variables.masking import masked_errors

_KEY = "gitlab_ci_downstream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a bridge remembers of the pipeline that it creates.

    Attributes:
        since: when the bridge first meant to create it, in seconds since 1970.
        occasion: changes when the task is cleared, not when a worker is lost.
        shape: the tag that its DAG has once Airflow has read it with its jobs.
        sha: the commit of another project that it is for.
    """

    key: RunKey
    shape: str = ""
    sha: str = ""
    since: float
    occasion: str


@dataclass(frozen=True, slots=True)
class BridgeRun:
    """One try of a bridge."""

    run: JobRun

    @property
    def bridge(self) -> Bridge:
        """What the job says."""
        return self.run.job.bridge or Bridge()

    def memory(self) -> Memory | None:
        """Return what an earlier process of this bridge has started."""
        stored = self.run.context["task_state_store"].get(_KEY)
        memory = convert(stored, Memory) if stored else None
        return memory if memory and memory.occasion == self._occasion() else None

    @property
    def strategy(self) -> str | None:
        """How the job waits; `needs:pipeline` without `trigger:` mirrors an existing pipeline."""
        return "mirror" if self.bridge.mirrored_pipeline else self.bridge.strategy

    def prepare(self) -> tuple[Memory, Upstream | None]:
        """Decide which pipeline to create, and remember that before creating it.

        Returns:
            The pipeline, and what it is given; None when the bridge mirrors an existing one.

        Raises:
            GitlabCiError: GitLab would not create it from this configuration.
        """
        known = self.memory()
        if self.bridge.mirrored_pipeline:
            upstream, key = None, known.key if known else self._mirrored()
            target = Target(dag=key.dag, run=key.run, shape="")
        else:
            upstream, target = self._decide(known)
        memory = Memory(
            key=RunKey(dag=target.dag, run=target.run),
            shape=target.shape,
            sha=target.sha,
            since=known.since if known else time.time(),  # noqa: TID251 - for another process
            occasion=self._occasion(),
        )
        self.run.context["task_state_store"].set(_KEY, plain(memory))
        return memory, upstream

    def check_own(self, key: RunKey, upstream: Upstream) -> None:
        """Make sure that the run that Airflow has is the one that this bridge meant to start.

        Numbers begin at 1 when the state is made anew, and Airflow may still have runs from before.

        Raises:
            SystemFailure: it is another one of the same name.
        """
        found = run_conf(key.dag, key.run).get(UPSTREAM) or {}
        if found.get("trigger", upstream.trigger) != upstream.trigger:
            words = f"{key.dag} has another run {key.run} already: retry this job"
            raise SystemFailure(words, reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED)

    def check_created(self, key: RunKey) -> None:
        """Make sure that the run became a pipeline.

        Raises:
            SystemFailure: its rules or its configuration prevented it.
        """
        pipeline = pipeline_of(self.run.context, key)
        if pipeline is None or not pipeline.created:
            why = (
                pipeline.reason
                if pipeline
                else f"see create_pipeline of {key.url(self.run.context)}"
            )
            words = f"downstream pipeline can not be created, {why}"
            raise SystemFailure(words, reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED)

    def _mirrored(self) -> RunKey:
        """Find the latest pipeline of another project's default branch."""
        request = plan_request(self.run)
        path = expand_on_server(self.bridge.mirrored_pipeline or "", request.variables)
        with masked_errors(request.masked):
            return self._latest(path)

    def _latest(self, path: str) -> RunKey:
        owner = known_project(self.run, path)
        ref = Ref(name=owner.project.default_branch, sha="")
        entry = self.run.state.register.latest(
            path, ref, accept=lambda entry: entry.source != "parent_pipeline"
        )
        if entry is None:
            message = f"{path} has no pipeline of {ref.name} yet"
            raise SystemFailure(message, reason=FailureReason.UPSTREAM_BRIDGE_PROJECT_NOT_FOUND)
        return RunKey(dag=entry.dag_id, run=entry.run_id)

    def _decide(self, known: Memory | None) -> tuple[Upstream, Target]:
        request = plan_request(self.run)
        with masked_errors(request.masked):
            return self._decided(plan_downstream(request, self.bridge), known)

    def _decided(self, plan: DownstreamPlan, known: Memory | None) -> tuple[Upstream, Target]:
        ti, record = self.run.context["ti"], self.run.record
        above = record.upstream.ancestors if record.upstream else ()
        lineage = (*above, ancestor(record))
        check_lineage(lineage, plan.project)
        upstream = Upstream(
            job=self.run.job.name,
            task=ti.task_id,
            job_id=plan.job_id,
            ancestors=lineage,
            ref=plan.ref if plan.project else record.ref.name,
            sha=known.sha if known else "",
            trigger=self._trigger(),
            variables=plan.variables,
            inputs=self.bridge.inputs if plan.project else {},
        )
        target = self._target(plan.project, upstream, known)
        return replace(upstream, digest=target.digest, sha=target.sha), target

    def _target(self, project: str, upstream: Upstream, known: Memory | None) -> Target:
        name = partial(self._name, known, upstream.trigger)
        if not project:
            return child(self.run, self.bridge, upstream, name)
        target = other_project(self.run, project, upstream, name)
        if dag_is_paused(target.dag):
            message = f"the DAG {target.dag} is paused: unpause it, then retry this job"
            raise SystemFailure(message, reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED)
        return target

    def _occasion(self) -> str:
        """Return when the bridge's pipeline was created, and how often its task was cleared since.

        Only a clear moves `max_tries`.
        """
        return f"{self.run.record.created_at} {self.run.context['ti'].max_tries}"

    def _name(self, known: Memory | None, trigger: str, project: str, ref: Ref) -> str:
        """Name the run: the same in every process that handles the same trigger."""
        if known:
            return known.key.run
        register, run = self.run.state.register, self.run
        return register.reserve_downstream(
            run.dag_id, run.run_id, trigger, project=project, ref=ref
        )

    def _trigger(self) -> str:
        """Name this occasion of this bridge."""
        ti = self.run.context["ti"]
        names = (ti.dag_id, ti.run_id, ti.task_id, self._occasion())
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]

"""The pipeline that a bridge creates: chosen, and remembered so that it creates only one."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace

from gitlab_ci_provider.airflow_internals.tasks import dag_is_paused
from gitlab_ci_provider.exceptions import FailureReason, SystemFailure
from gitlab_ci_provider.hooks.dag_runs import RunKey, pipeline_of
from gitlab_ci_provider.model.bridge import Bridge, Upstream
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
    """

    key: RunKey
    shape: str = ""
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
            upstream, shape, key = None, "", known.key if known else self._mirrored()
        else:
            upstream, target = self._decide()
            shape = target.shape
            key = RunKey(dag=target.dag, run=self._run_id(child=upstream.child))
        memory = Memory(
            key=key,
            shape=shape,
            since=known.since if known else time.time(),  # noqa: TID251 - for another process
            occasion=self._occasion(),
        )
        self.run.context["task_state_store"].set(_KEY, plain(memory))
        return memory, upstream

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

    def _decide(self) -> tuple[Upstream, Target]:
        request = plan_request(self.run)
        with masked_errors(request.masked):
            return self._decided(plan_downstream(request, self.bridge))

    def _decided(self, plan: DownstreamPlan) -> tuple[Upstream, Target]:
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
            variables=plan.variables,
            inputs=self.bridge.inputs if plan.project else {},
        )
        target = self._target(plan.project, upstream)
        return replace(upstream, digest=target.digest), target

    def _target(self, project: str, upstream: Upstream) -> Target:
        if not project:
            new = self._run_id(child=True)
            return child(self.run, self.bridge, upstream, new)
        new = self._run_id(child=False)
        target = other_project(self.run, project, upstream, new)
        if dag_is_paused(target.dag):
            message = f"the DAG {target.dag} is paused: unpause it, then retry this job"
            raise SystemFailure(message, reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED)
        return target

    def _occasion(self) -> str:
        """Return when the bridge's pipeline was created, and how often its task was cleared since.

        Only a clear moves `max_tries`.
        """
        return f"{self.run.record.created_at} {self.run.context['ti'].max_tries}"

    def _run_id(self, *, child: bool) -> str:
        """Return the run's id: the same in every process that handles the same trigger."""
        ti = self.run.context["ti"]
        names = (ti.dag_id, ti.run_id, ti.task_id, self._occasion())
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
        source = "parent_pipeline" if child else "pipeline"
        return f"{source}__{self.run.record.id}__{ti.task_id[:100]}__{digest}"

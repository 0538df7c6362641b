"""What a plan is made from: one try of one job of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from gitlab_ci_provider.model.context import PipelineContext
from gitlab_ci_provider.model.git_login import GitLogin
from gitlab_ci_provider.model.job import Job
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.model.plan import ArchiveLimits, JobPlan
from gitlab_ci_provider.model.rules import JobDecision
from gitlab_ci_provider.model.run import PipelineRun, Play
from gitlab_ci_provider.model.variables import ConfiguredVariables, Variable, Variables
from gitlab_ci_provider.model.workspace import BUILDS_DIR
from gitlab_ci_provider.storage.keys import artifacts_key, cache_object_key
from gitlab_ci_provider.variables.expand import expand, expand_all
from gitlab_ci_provider.variables.precedence import RunVariables, effective_variables
from gitlab_ci_provider.variables.predefined import (
    JobStart,
    pipeline_variables,
    player_variables,
    started_job_variables,
)

PROTECTED_SUFFIX = "-protected"
"""Of the caches of protected refs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerWish:
    """What a task of a hand-written DAG says of its runner; what is empty is left to the runner.

    Attributes:
        name: of the runner; empty for the first one that takes the job's tags.
        connection: of the cluster.
        namespace: of the pod.
    """

    name: str = ""
    connection: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerCaches:
    """Where GitLab Runner keeps the caches of a project.

    Attributes:
        folder: in the bucket; empty for none.
        saves: whether caches are saved there, too, instead of in our own place.
    """

    folder: str = ""
    saves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Defaults and limits of the installation; times are in seconds.

    Attributes:
        start_timeout: how long a pod may take to start.
        services_timeout: how long a service may take to get ready; 0 does not wait.
        debug_trace_disabled: `CI_DEBUG_TRACE` has no effect.
        id_token_audiences: patterns of what `id_tokens:` may be for.
        machine: the worker's architecture, as `uname -m` prints it.
    """

    default_image: str
    default_timeout: int
    artifacts_expire_in: int
    start_timeout: int = 600
    services_timeout: int = 300
    machine: str = "x86_64"
    id_token_audiences: tuple[str, ...] = ()
    debug_trace_disabled: bool = False
    archives: ArchiveLimits = ArchiveLimits()


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """All that is known of one try of one job.

    Attributes:
        attempt: from 1; its artifacts are kept apart from those of earlier tries.
        url: of the task in the Airflow UI.
        upstream: the artifacts that the job can use, by the job that made them.
        dotenv: variables that earlier jobs have written for this one.
        from_provider: secrets that `secrets:` asks for, once they are there.
        configured: variables of the instance, the groups and the project.
        secrets: values to mask that are not in the job's variables: those of the project's other
            environments and refs, and of projects whose artifacts the job uses.
        secret_places: Airflow Variables that hold them.
        login: for the server of the repository; None when there is none.
        environment_url: of an earlier deployment, for a job whose environment has no `url`.
        environment_tier: of the environment, for a job that does not say it; empty for a new one.
        cache_store: of the runner; None for the same as all else.
        store: None when the installation has no object store.
        runner_variables: of the runner that takes the job; weaker than all others.
        runner_flags: its feature flags; stronger than all others.
        clone_path: where to put the working copy instead of the default path.
        play: what the person who played the job entered.
        cache_index: how often the caches of the project were cleared.
        runner_caches: of the project that GitLab Runner keeps in the same bucket.
        runner: what the task says of its runner.
    """

    run: PipelineRun
    pipeline: Pipeline
    job: Job
    decision: JobDecision
    limits: Limits
    attempt: int
    url: str
    started_at: str
    upstream: Mapping[str, tuple[JobArtifact, ...]]
    store: StoreTarget | None
    cache_store: StoreTarget | None = None
    dotenv: Variables = Variables()
    from_provider: Variables = Variables()
    environment_url: str = ""
    environment_tier: str = ""
    login: GitLogin | None = None
    configured: ConfiguredVariables = ConfiguredVariables()
    secrets: tuple[str, ...] = ()
    secret_places: tuple[str, ...] = ()
    play: Play = Play()
    runner_variables: Variables = Variables()
    runner_flags: Variables = Variables()
    clone_path: str = ""
    cache_index: int = 0
    runner_caches: RunnerCaches = RunnerCaches()
    runner: RunnerWish = RunnerWish()

    @property
    def archive_key(self) -> str:
        """Name the object with the artifacts of this try."""
        run = self.run
        return artifacts_key(run.project, run.id, self.job.name, self.attempt)

    def cache_key(self, key: str) -> str:
        """Name the object of a cache, from its key with the suffix."""
        return cache_object_key(self.run.project, key)

    def cache_suffix(self, *, unprotect: bool) -> str:
        """Return what GitLab appends to keys: caches were cleared, the ref is protected or not."""
        index = f"-{self.cache_index}" if self.cache_index else ""
        protected = self.run.ref.protected and not unprotect
        return f"{index}{PROTECTED_SUFFIX if protected else '-non_protected'}"

    @property
    def project_dir(self) -> str:
        """CI_PROJECT_DIR."""
        return self.clone_path or f"{BUILDS_DIR}/{self.run.project.path}"

    @property
    def context(self) -> PipelineContext:
        """What the pipeline was created for."""
        return replace(
            self.run.context,
            variables=self.run.variables | self.play.variables,
            configured=self.configured,
        )

    @cached_property
    def masked(self) -> tuple[str, ...]:
        """Values that must not appear in any log or message."""
        values = (*self.variables.masked_values, *filter(None, self.secrets))
        return tuple(dict.fromkeys(values))

    @cached_property
    def variables(self) -> Variables:
        """The job's variables as its script sees them: merged in GitLab's order, then expanded."""
        own = self._effective(self.context, self.dotenv) | self.from_provider
        return expand_all(self.runner_variables | own | self.runner_flags)

    @cached_property
    def predefined(self) -> Variables:
        """The values of predefined variables that no file, person or project can change."""
        return pipeline_variables(self.context) | started_job_variables(self.job, self._start)

    @cached_property
    def public_variables(self) -> Variables:
        """Those that are predefined, in the file or the runner's: all that GitLab shows services.

        A value that the file gives counts here even where a variable of the project or the
        pipeline hides it from the script.
        """
        context = replace(self.context, configured=ConfiguredVariables(), variables=Variables())
        winners = self.runner_variables | self._effective(self.context, self.dotenv)
        by_name = {variable.name: variable for variable in winners}
        return Variables(
            replace(variable, value=self._public_value(variable, by_name.get(variable.name)))
            for variable in self.runner_variables | self._effective(context, Variables())
        )

    def _public_value(self, variable: Variable, winner: Variable | None) -> str:
        if variable == winner or variable.name.startswith("CI_"):
            return self.variables.get(variable.name)
        return expand(variable.value, self.variables) if variable.expand else variable.value

    def _effective(self, context: PipelineContext, dotenv: Variables) -> Variables:
        return effective_variables(
            self.job,
            self.pipeline,
            context,
            self.decision,
            workflow=self.run.workflow_variables,
            run=RunVariables(
                predefined=started_job_variables(self.job, self._start),
                dotenv=dotenv,
                user=player_variables(self.play),
            ),
        )

    @property
    def _start(self) -> JobStart:
        position = list(self.pipeline.jobs).index(self.job.name)
        return JobStart(
            run=self.run,
            job_id=f"{self.run.id}{position:04d}{self.attempt:02d}",
            url=self.url,
            started_at=self.started_at,
            timeout=self.job.timeout or self.limits.default_timeout,
            project_dir=self.project_dir,
            environment_url=self.environment_url,
            environment_tier=self.environment_tier,
            machine=self.limits.machine,
        )


def places_to_hide(request: PlanRequest, plan: JobPlan) -> tuple[str, ...]:
    """Name the Airflow Variables with values that the helper does not hide; none if it hides all.

    It only knows the job's own: what is in a pod is in the hands of the job.
    """
    known = {variable.value for variable in plan.variables if variable.masked}
    return () if known.issuperset(filter(None, request.secrets)) else request.secret_places

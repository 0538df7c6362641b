"""The runner that takes a job: chosen when the job starts, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from gitlab_ci_provider.exceptions import (
    ConfigurationFailure,
    FailureReason,
    SettingsError,
    SystemFailure,
)
from gitlab_ci_provider.hooks.kubernetes import identify
from gitlab_ci_provider.hooks.object_store import store_target
from gitlab_ci_provider.hooks.runners import load_runners, runner_named
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.runner import RunnerProfile
from gitlab_ci_provider.model.runner_parts import CacheStore
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.pods.registry import VARIABLE as DOCKER_AUTH_CONFIG
from gitlab_ci_provider.pods.registry import registry_logins
from gitlab_ci_provider.runners.additions import for_caches, for_runner
from gitlab_ci_provider.runners.choice import Wanted, choose, why_not
from gitlab_ci_provider.runners.clusters import with_cluster
from gitlab_ci_provider.runners.image_builds import without_daemon
from gitlab_ci_provider.runners.overrides import JobVariables, bearer_token, overridden
from gitlab_ci_provider.runners.volume_paths import with_volume_paths
from gitlab_ci_provider.settings import Settings
from gitlab_ci_provider.variables.expand import expand
from gitlab_ci_provider.variables.masking import Masker


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A job that a runner has taken.

    Attributes:
        runner: with what the job changes of it.
        request: for the plan, with what the runner says about jobs that do not say it themselves.
        logins: of registries that the job brings along; empty for none.
        token: the job's own for Kubernetes; empty for the connection's.
        variables: with which the job has changed its runner.
    """

    runner: RunnerProfile
    request: PlanRequest
    variables: JobVariables = field(repr=False)
    logins: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


class Voice:
    """Tells the job's log, without what must not be seen."""

    def __init__(self, log: Any, masker: Masker):
        self._log = log
        self._masker = masker

    def hides(self, text: str) -> bool:
        """Tell whether a text holds what must not be seen."""
        return self._masker.text(text) != text

    def note(self, words: str) -> None:
        """Tell what happens."""
        self._log.info("%s", self._masker.text(words))

    def warn(self, words: str) -> None:
        """Tell what does not happen."""
        self._log.warning("%s", self._masker.text(words))


def take(settings: Settings, request: PlanRequest, voice: Voice) -> Taken:
    """Choose the runner of a job.

    Raises:
        SystemFailure: no runner takes it, they have errors, or do not allow what it asks for.
    """
    wanted = Wanted(
        tags=tuple(expand(tag, request.variables) for tag in request.job.tags),
        protected=request.run.ref.protected,
        project=request.run.project.path,
    )
    chosen = _chosen(settings, request, wanted)
    voice.note(f"runner: {chosen.name}")
    job = without_daemon(request, chosen, voice.note, voice.warn)
    request = for_runner(replace(request, job=job), chosen)
    request = replace(request, cache_store=_cache_store(settings, request, chosen))
    values = request.variables.as_dict()
    variables = JobVariables(values, voice.hides, voice.note, voice.warn)
    placed = with_volume_paths(chosen, request.predefined)
    request, runner = with_cluster(request, overridden(placed, variables))
    return Taken(
        runner=runner,
        request=request,
        variables=variables,
        logins=registry_logins(values.get(DOCKER_AUTH_CONFIG, "")),
        token=bearer_token(chosen, variables),
    )


def _chosen(settings: Settings, request: PlanRequest, wanted: Wanted) -> RunnerProfile:
    """Choose by name or by tags; where the pod runs, the task's own word counts."""
    wish = request.runner
    if wish.name:
        chosen = runner_named(wish.name, settings)
        if why := why_not(chosen, replace(wanted, tags=chosen.tags)):
            message = f"the runner '{wish.name}' {why}"
            raise SystemFailure(message, reason=FailureReason.STUCK_PENDING_NO_MATCHING_RUNNERS)
    else:
        chosen = choose(load_runners(settings), wanted)
    return replace(
        chosen,
        connection=wish.connection or chosen.connection,
        namespace=wish.namespace or chosen.namespace,
    )


def tell_slot(operator: KubernetesPodOperator, runner: RunnerProfile, voice: Voice) -> None:
    """Say when a task is not in the pool or queue of its runner: both come with the DAG."""
    for name in ("pool", "queue"):
        wanted = getattr(runner, name)
        if wanted and (actual := getattr(operator, name)) != wanted:
            voice.warn(
                f"the runner '{runner.name}' has the {name} '{wanted}', this task '{actual}': the "
                "job's tags hold variables, or the runners have changed since the DAG was made"
            )


def _cache_store(
    settings: Settings, request: PlanRequest, runner: RunnerProfile
) -> StoreTarget | None:
    """Return where the runner keeps caches; None for where all else is.

    Raises:
        SystemFailure: its connection does not exist, or names no bucket.
    """
    if runner.cache == CacheStore() or not request.job.caches:
        return None
    conn_id = runner.cache.connection or settings.object_store_conn_id
    try:
        target = store_target(conn_id, runner.cache.bucket)
    except SettingsError as problem:
        raise ConfigurationFailure(f"the runner '{runner.name}': {problem}") from problem
    if target is None:
        message = f"the caches of the runner '{runner.name}' are in the Airflow connection "
        message += f"'{conn_id}', which does not exist"
        raise ConfigurationFailure(message)
    return for_caches(target, runner)


def use_cluster(operator: KubernetesPodOperator, taken: Taken, outage: float) -> None:
    """Have the task use the runner's cluster and namespace; before it connects.

    Args:
        operator: of the task.
        taken: its job.
        outage: how many seconds without an answer are tolerated.
    """
    if taken.runner.connection:
        operator.kubernetes_conn_id = taken.runner.connection
    operator.namespace = taken.runner.namespace or None
    if taken.token:
        identify(operator.client, taken.token, outage)

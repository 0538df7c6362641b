"""The services of one job, for the worker that follows its pod."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from gitlab_ci_provider.hooks.pod_watch import PodWatch
from gitlab_ci_provider.planner.plan import PlannedJob
from gitlab_ci_provider.pods.seen import SeenPod
from gitlab_ci_provider.pods.service_states import ServiceDeath
from gitlab_ci_provider.pods.service_watch import ServiceWatch
from gitlab_ci_provider.runs.job.log import JobLog
from gitlab_ci_provider.runs.job.service_logs import ServiceLogs, is_debugged
from gitlab_ci_provider.runs.job.service_trouble import ServiceTrouble


@dataclass(frozen=True, slots=True, kw_only=True)
class JobServices:
    """What the worker has to know of them.

    Attributes:
        names: of their containers.
        debugged: the job wants their logs in its own.
        masked: what must not be seen there.
    """

    names: tuple[str, ...] = ()
    debugged: bool = False
    masked: tuple[str, ...] = ()

    def watch(self) -> ServiceWatch:
        """Judge them until the script has started."""
        return ServiceWatch(services=self.names)

    def logs(self, pod: PodWatch, log: JobLog) -> AbstractContextManager[object]:
        """Copy their logs, if the job asks for that."""
        if not (self.debugged and self.names):
            return nullcontext()
        return ServiceLogs(pod, self.names, log, self.masked)

    def tell(
        self, pod: PodWatch, log: JobLog, death: ServiceDeath | None, seen: SeenPod | None
    ) -> None:
        """Name those that have died, and show their logs.

        Raises:
            SystemFailure: the job cannot do without one.
        """
        trouble = ServiceTrouble(pod, self.names, log.write)
        if death is not None:
            trouble.refuse(death)
        if seen is not None:
            trouble.at_end(seen)


def job_services(planned: PlannedJob, variables: Mapping[str, str]) -> JobServices:
    """Give the services of a planned job; the variables are the job's."""
    return JobServices(
        names=tuple(service.name for service in planned.services),
        debugged=is_debugged(variables),
        masked=planned.masked,
    )

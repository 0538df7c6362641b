"""What the plan of a task of a hand-written DAG is made from: a job without project and commit.

Its caches have the keys that it names, without the suffixes of protected refs. Of the predefined
variables it has those that say where it runs; what a commit or a pipeline says does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.model.workspace import BUILDS_DIR
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.storage.keys import task_artifacts_key, task_cache_key
from gitlab_ci_provider.variables.expand import expand_all


@dataclass(frozen=True, kw_only=True)
class TaskPlanRequest(PlanRequest):
    """All that is known of one try of one task.

    Attributes:
        task_key: of the task in its run; instances of a mapped task have different ones.
        scope: tasks with the same scope share caches.
        given: variables of the task; their values are not expanded.
        airflow: what Airflow says of the task, by the names of variables.
    """

    task_key: str
    scope: str
    given: Variables = Variables()
    airflow: Mapping[str, str]

    @property
    def archive_key(self) -> str:
        """Name the object with the artifacts of this try."""
        return task_artifacts_key(self.run.dag_id, self.run.run_id, self.task_key, self.attempt)

    def cache_key(self, key: str) -> str:
        """Name the object of a cache."""
        return task_cache_key(self.scope, key)

    def cache_suffix(self, *, unprotect: bool) -> str:  # noqa: ARG002 - there is no ref
        """Return nothing: the task's key is the whole key."""
        return ""

    @cached_property
    def predefined(self) -> Variables:
        """Where the task runs, and what Airflow says of it."""
        values = {
            "CI_BUILDS_DIR": BUILDS_DIR,
            "CI_PROJECT_DIR": self.project_dir,
            "CI_JOB_NAME": self.job.name,
            "CI_JOB_STARTED_AT": self.started_at,
            "CI_JOB_URL": self.url,
            **self.airflow,
        }
        return _raw(values)

    @cached_property
    def variables(self) -> Variables:
        """The task's variables, expanded."""
        own = self.predefined | self.dotenv | self.given
        return expand_all(self.runner_variables | own | self.runner_flags)

    @cached_property
    def public_variables(self) -> Variables:
        """What services see: all, as those of a job's file."""
        return self.variables


def _raw(values: Mapping[str, str]) -> Variables:
    return Variables(
        Variable(name=name, value=value, expand=False) for name, value in values.items()
    )

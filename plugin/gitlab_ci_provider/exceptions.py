"""The exception tree.

A wrong `.gitlab-ci.yml` is not exceptional: it is a list of `Diagnostic`s. Exceptions are for the
outside world (git, S3, Kubernetes) and for our own mistakes::

    GitlabCiError
    ├── ConfigError            a caller insisted on an exception for a file with errors
    ├── SourceError            a repository, ref or file could not be read
    │   └── UnknownRefError    the repository answers, and has no such ref
    ├── StorageError           the object store refused or failed
    ├── SettingsError          airflow.cfg or a connection is incomplete
    ├── StateError             the installation's state could not be read or changed
    │   └── StateAwayError     nothing of it can: its store does not answer, or refuses
    ├── UnreadDagError         Airflow has not read a new DAG in time
    ├── StackError             the embedded stack could not start or stop
    ├── RegistryError          a registry of images refused or failed a request
    ├── AirflowApiError        an Airflow could not be reached, or refused a request
    ├── GitlabApiError         a GitLab could not be reached, or refused a request
    └── JobFailure             a job failed; carries GitLab's failure reason
        ├── SystemFailure      our fault, or the cluster's
        │   └── NoPipelineError    the run has no pipeline that its tasks could be part of
        └── TimeoutFailure     the job's timeout
"""

from __future__ import annotations

from enum import StrEnum


class FailureReason(StrEnum):
    """Why a job failed, in GitLab's words; `retry:when` accepts all but `image_pull_failure`.

    GitLab knows them all, this package fails jobs for some of them.
    """

    UNKNOWN_FAILURE = "unknown_failure"
    SCRIPT_FAILURE = "script_failure"
    API_FAILURE = "api_failure"
    STUCK_OR_TIMEOUT_FAILURE = "stuck_or_timeout_failure"
    STUCK_PENDING_WITH_MATCHING_RUNNERS = "stuck_pending_with_matching_runners"
    STUCK_PENDING_NO_MATCHING_RUNNERS = "stuck_pending_no_matching_runners"
    NO_UPDATES_RUNNING = "no_updates_running"
    NO_UPDATES_CANCELING = "no_updates_canceling"
    RUNNER_SYSTEM_FAILURE = "runner_system_failure"
    RUNNER_CONFIGURATION_ERROR = "runner_configuration_error"
    RUNNER_EXTERNAL_DEPENDENCY_FAILURE = "runner_external_dependency_failure"
    RUNNER_INTERRUPTED = "runner_interrupted"
    """The cluster took the pod away: the job is not to blame."""
    RUNNER_UNSUPPORTED = "runner_unsupported"
    STALE_SCHEDULE = "stale_schedule"
    JOB_EXECUTION_TIMEOUT = "job_execution_timeout"
    SERVER_TIMEOUT_RUNNING = "server_timeout_running"
    SERVER_TIMEOUT_CANCELING = "server_timeout_canceling"
    ARCHIVED_FAILURE = "archived_failure"
    UNMET_PREREQUISITES = "unmet_prerequisites"
    SCHEDULER_FAILURE = "scheduler_failure"
    DATA_INTEGRITY_FAILURE = "data_integrity_failure"
    MISSING_DEPENDENCY_FAILURE = "missing_dependency_failure"
    FORWARD_DEPLOYMENT_FAILURE = "forward_deployment_failure"
    USER_BLOCKED = "user_blocked"
    PROJECT_DELETED = "project_deleted"
    CI_QUOTA_EXCEEDED = "ci_quota_exceeded"
    PIPELINE_LOOP_DETECTED = "pipeline_loop_detected"
    NO_MATCHING_RUNNER = "no_matching_runner"
    TRACE_SIZE_EXCEEDED = "trace_size_exceeded"
    BUILDS_DISABLED = "builds_disabled"
    ENVIRONMENT_CREATION_FAILURE = "environment_creation_failure"
    DEPLOYMENT_REJECTED = "deployment_rejected"
    FAILED_OUTDATED_DEPLOYMENT_JOB = "failed_outdated_deployment_job"
    JOB_EXECUTION_SERVER_TIMEOUT = "job_execution_server_timeout"
    PROTECTED_ENVIRONMENT_FAILURE = "protected_environment_failure"
    INSUFFICIENT_BRIDGE_PERMISSIONS = "insufficient_bridge_permissions"
    DOWNSTREAM_BRIDGE_PROJECT_NOT_FOUND = "downstream_bridge_project_not_found"
    INVALID_BRIDGE_TRIGGER = "invalid_bridge_trigger"
    UPSTREAM_BRIDGE_PROJECT_NOT_FOUND = "upstream_bridge_project_not_found"
    INSUFFICIENT_UPSTREAM_PERMISSIONS = "insufficient_upstream_permissions"
    BRIDGE_PIPELINE_IS_CHILD_PIPELINE = "bridge_pipeline_is_child_pipeline"
    DOWNSTREAM_PIPELINE_CREATION_FAILED = "downstream_pipeline_creation_failed"
    SECRETS_PROVIDER_NOT_FOUND = "secrets_provider_not_found"
    REACHED_MAX_DESCENDANT_PIPELINES_DEPTH = "reached_max_descendant_pipelines_depth"
    IP_RESTRICTION_FAILURE = "ip_restriction_failure"
    REACHED_MAX_PIPELINE_HIERARCHY_SIZE = "reached_max_pipeline_hierarchy_size"
    REACHED_DOWNSTREAM_PIPELINE_TRIGGER_RATE_LIMIT = (
        "reached_downstream_pipeline_trigger_rate_limit"
    )
    DUO_WORKFLOW_NOT_ALLOWED = "duo_workflow_not_allowed"
    JOB_ROUTER_FAILURE = "job_router_failure"
    JOB_TOKEN_EXPIRED = "job_token_expired"  # noqa: S105 - a reason, no token
    ID_TOKEN_BURNED_PROJECT_PATH = "id_token_burned_project_path"  # noqa: S105
    DOWNSTREAM_PROJECT_TRIGGER_RESOLVED_TO_EMPTY = "downstream_project_trigger_resolved_to_empty"
    SECRETS_MANAGER_ACCESS_DENIED = "secrets_manager_access_denied"
    DUO_WORKFLOW_CONNECTION_FAILURE = "duo_workflow_connection_failure"
    RUNNER_PROVISIONING_TIMEOUT = "runner_provisioning_timeout"
    IMAGE_PULL_FAILURE = "image_pull_failure"
    """Only runners report it; `retry:when` counts it as `script_failure`."""

    @classmethod
    def _missing_(cls, value: object) -> FailureReason | None:
        """Read a reason that another version of this package has written and this one lacks."""
        return cls.UNKNOWN_FAILURE if isinstance(value, str) else None

    @property
    def words(self) -> str:
        """The reason as GitLab's pages word it next to a failed job."""
        return _IN_WORDS.get(self, self.replace("_", " "))


_IN_WORDS = {
    FailureReason.RUNNER_UNSUPPORTED: "unsupported runner",
    FailureReason.PIPELINE_LOOP_DETECTED: "job would create infinitely looping pipelines",
    FailureReason.INVALID_BRIDGE_TRIGGER: "downstream pipeline trigger definition is invalid",
    FailureReason.DOWNSTREAM_BRIDGE_PROJECT_NOT_FOUND: "downstream project could not be found",
    FailureReason.UPSTREAM_BRIDGE_PROJECT_NOT_FOUND: "upstream project could not be found",
    FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED: "downstream pipeline can not be created",
    FailureReason.REACHED_MAX_DESCENDANT_PIPELINES_DEPTH: (
        "reached maximum depth of child pipelines"
    ),
}
"""Of the reasons that occur here, those whose words are not the reason itself."""


class GitlabCiError(Exception):
    """Root of every exception that this package raises."""


class ConfigError(GitlabCiError):
    """A `.gitlab-ci.yml` has errors; the message lists all of them."""


class SourceError(GitlabCiError):
    """A repository, ref or file could not be read."""


class UnknownRefError(SourceError):
    """A repository has no such branch, tag or commit."""


class StorageError(GitlabCiError):
    """The object store refused or failed a request."""


class SettingsError(GitlabCiError):
    """A setting or connection is missing or wrong; the message says which."""


class StateError(GitlabCiError):
    """The state of the installation could not be read or changed."""


class StateAwayError(StateError):
    """Nothing of the state can be read or changed: its store does not answer, or refuses."""


class UnreadDagError(GitlabCiError):
    """Airflow has not read, in time, a DAG that was written for a run."""


class StackError(GitlabCiError):
    """The embedded stack could not start or stop."""


class RegistryError(GitlabCiError):
    """A registry of images refused or failed a request."""


class AirflowApiError(GitlabCiError):
    """An Airflow could not be reached, or refused a request.

    Attributes:
        status: of HTTP, when Airflow refused; None when it did not answer.
    """

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


class GitlabApiError(GitlabCiError):
    """A GitLab could not be reached, or refused a request; never holds a token.

    Attributes:
        status: of HTTP, when GitLab refused; None when it did not answer.
    """

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


class JobFailure(GitlabCiError):  # noqa: N818 - GitLab says that a job failed
    """A job failed.

    Attributes:
        reason: for `retry:when` and for people.
        exit_code: of the script, when it ran.
    """

    reason = FailureReason.UNKNOWN_FAILURE

    def __init__(
        self,
        message: str,
        *,
        reason: FailureReason | None = None,
        exit_code: int | None = None,
    ):
        super().__init__(message)
        self.reason = reason or self.reason
        self.exit_code = exit_code


class SystemFailure(JobFailure):
    """The job could not run or end, for a reason outside the script."""

    reason = FailureReason.RUNNER_SYSTEM_FAILURE


class ConfigurationFailure(SystemFailure):
    """What the job, its runner, a connection or a setting says cannot be done, now or later."""

    reason = FailureReason.RUNNER_CONFIGURATION_ERROR


class NoPipelineError(SystemFailure):
    """The run has no pipeline: `create_pipeline` failed, or died before it could say why."""


class TimeoutFailure(JobFailure):
    """The job ran longer than its timeout."""

    reason = FailureReason.JOB_EXECUTION_TIMEOUT

"""The exception tree.

A wrong `.gitlab-ci.yml` is not exceptional: it is a list of `Diagnostic`s. Exceptions are for the
world (git, S3, Kubernetes) and for us::

    GitlabCiError
    ├── ConfigError            a caller insisted on an exception for a file with errors
    ├── SourceError            a repository, ref or file could not be read
    │   └── UnknownRefError    the repository answers, and has no such ref
    ├── StorageError           the object store refused or failed
    ├── SettingsError          airflow.cfg or a connection is incomplete
    ├── StackError             the embedded stack could not start or stop
    ├── AirflowApiError        an Airflow could not be reached, or refused a request
    └── JobFailure             a job failed; carries GitLab's failure reason
        ├── SystemFailure      ours, or the cluster's
        │   └── NoPipelineError    the run has no pipeline that its tasks could be part of
        └── TimeoutFailure     the job's timeout
"""

from __future__ import annotations

from typing import Any

INTERRUPTED = "runner_interrupted"
"""GitLab's failure reason when the cluster took the pod away: the job is not to blame."""


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


class StackError(GitlabCiError):
    """The embedded stack could not start or stop."""


class AirflowApiError(GitlabCiError):
    """An Airflow could not be reached, or refused a request.

    Attributes:
        status: of HTTP, when Airflow refused; None when it did not answer.
    """

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


class JobFailure(GitlabCiError):  # noqa: N818 - GitLab says that a job failed
    """A job failed.

    Attributes:
        reason: GitLab's failure reason, as `retry:when` spells it.
        exit_code: of the script, when it ran.
        left: a `JobResult` with what it left all the same (`artifacts:when`, reports, coverage).
    """

    reason = "unknown_failure"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        exit_code: int | None = None,
        left: Any = None,
    ):
        super().__init__(message)
        self.reason = reason or self.reason
        self.exit_code = exit_code
        self.left = left


class SystemFailure(JobFailure):
    """The job could not run, or not end, for a reason outside the script."""

    reason = "runner_system_failure"


class NoPipelineError(SystemFailure):
    """The run has no pipeline: `create_pipeline` failed, or died without a word."""


class TimeoutFailure(JobFailure):
    """The job ran longer than its timeout."""

    reason = "job_execution_timeout"

"""Single files out of the artifacts of a job of this pipeline, for `trigger:include:artifact`.

Source: GitLab's `Gitlab::Ci::Config::External::File::Artifact`, whose words the messages use.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from io import BytesIO

from gitlab_ci_provider.exceptions import FailureReason, StorageError, SystemFailure
from gitlab_ci_provider.hooks.object_store import read_object, store_target
from gitlab_ci_provider.model.job_artifacts import JobArtifact
from gitlab_ci_provider.model.names import task_ids
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.runs.record import pull_result

MAX_BYTES = 5 * 1024 * 1024
"""Of the archive, and of the file."""


def artifact_reader(run: JobRun) -> Callable[[str, str], bytes]:
    """Make the function that reads a file of a job's artifacts, by job name and path."""
    return lambda job, path: _read(run, job, path)


def _read(run: JobRun, job: str, path: str) -> bytes:
    for artifact in _artifacts(run, job):
        if artifact.size > MAX_BYTES:
            raise _refusal(f"Artifacts archive for job `{job}` is too large: max 5 MiB")
        return read_member(_fetch(run, artifact), job, path)
    raise _refusal(f"Job `{job}` not found in parent pipeline or does not have artifacts!")


def _artifacts(run: JobRun, job: str) -> tuple[JobArtifact, ...]:
    if job not in run.pipeline.jobs:
        return ()
    result = pull_result(run, task_ids(run.pipeline.jobs)[job])
    return result.artifacts if result else ()


def _fetch(run: JobRun, artifact: JobArtifact) -> bytes:
    target = store_target(run.settings.object_store_conn_id)
    if target is None:
        raise StorageError("no object store is configured: add its Airflow connection")
    data = read_object(target, artifact.object_key)
    if artifact.sha256 and hashlib.sha256(data).hexdigest() != artifact.sha256:
        raise _refusal(f"{artifact.object_key}: its checksum does not match, it was replaced")
    return data


def read_member(archive: bytes, job: str, path: str) -> bytes:
    """Read a file of a job's archive.

    Raises:
        SystemFailure: there is no such file, or it cannot be a configuration.
    """
    try:
        with zipfile.ZipFile(BytesIO(archive)) as opened:
            found = opened.getinfo(path.removeprefix("./"))
            if found.is_dir():
                raise _refusal(f"Path `{path}` was expected to be a file but it was a directory!")
            if found.file_size > MAX_BYTES:
                raise _refusal(f"Artifacts archive for job `{job}` is too large: max 5 MiB")
            content = opened.read(found)
    except KeyError:
        message = f"Path `{path}` does not exist inside the `{job}` artifacts archive!"
        raise _refusal(message) from None
    except zipfile.BadZipFile as problem:
        raise _refusal(f"the artifacts of `{job}` cannot be read: {problem}") from problem
    if not content:
        raise _refusal(f"File `{path}` is empty!")
    return content


def _refusal(message: str) -> SystemFailure:
    return SystemFailure(message, reason=FailureReason.DOWNSTREAM_PIPELINE_CREATION_FAILED)

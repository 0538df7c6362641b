"""The container `helper`: wait for the build to end, then the phases after the script."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from gitlab_ci_provider.exceptions import SystemFailure
from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.handshake import wait_for_build
from gitlab_ci_provider.helper.job_output import JobOutput
from gitlab_ci_provider.helper.phases.cleanup_file_variables import cleanup_file_variables
from gitlab_ci_provider.helper.run import Phase, run_phases
from gitlab_ci_provider.model.artifacts import SaveWhen
from gitlab_ci_provider.model.plan import ArtifactUpload
from gitlab_ci_provider.model.workspace import EVENTS_NAME, OUTPUT_NAME
from gitlab_ci_provider.variables.masking import log_masker


def finish(context: PhaseContext) -> None:
    """Wait for the build to end, then run the phases after the script.

    Raises:
        PhaseFailure: the artifacts could not be saved.
        SystemFailure: the job has put a link in place of its folder.
    """
    plan = context.plan
    if plan.leaves:
        context.store.warm_up()
    # No script runs before we listen, so this is still what the helper has made.
    folder = context.project_dir.resolve()
    masker = log_masker(context.output.secrets)
    output = JobOutput(context.control / OUTPUT_NAME, context.output.log, masker)

    def met() -> None:
        _ignore_term()
        context.output.log.tick()

    code = wait_for_build(context.control / EVENTS_NAME, met=met, output=output)
    if context.project_dir.resolve() != folder:
        message = f"{context.project_dir} was replaced by the job: nothing is saved"
        raise SystemFailure(message)
    if code is None:
        context.output.warning("the build container was killed before its scripts ended")
    try:
        run_phases(context, _phases(context, success=code == 0))
    finally:
        if plan.parted:
            context.store().give_up_unused()


def _ignore_term() -> None:
    """Stay when the pod is deleted: the build ends soon, and what it leaves is saved.

    Source: GitLab Runner, merge request 4578: a canceled script is followed by `after_script` and
    by the uploads of a failed job. Kubernetes bounds this by the pod's grace period.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _phases(context: PhaseContext, *, success: bool) -> tuple[Phase, ...]:
    plan = context.plan
    archives = tuple(archive for archive in plan.archives if _saved(archive.when, success=success))
    uploads = tuple(upload for upload in plan.uploads if _saved(upload.when, success=success))
    outcome, job = ("success", "successful job") if success else ("failure", "failed job")

    def archive_cache(context: PhaseContext) -> None:
        from gitlab_ci_provider.helper.phases.archive_cache import archive_caches

        archive_caches(context, archives)

    return (
        Phase(
            name="archive_cache" if success else "archive_cache_on_failure",
            heading=f"Saving cache for {job}",
            run=archive_cache,
            wanted=bool(archives),
            fatal=False,
        ),
        Phase(
            name=f"upload_artifacts_on_{outcome}",
            heading=f"Uploading artifacts for {job}",
            run=lambda context: _upload(context, uploads),
            wanted=bool(uploads or plan.reports or plan.dotenv),
        ),
        Phase(
            name="cleanup_file_variables",
            heading="Cleaning up project directory and file based variables",
            run=cleanup_file_variables,
            fatal=False,
            always=True,
        ),
    )


def _upload(context: PhaseContext, uploads: Iterable[ArtifactUpload]) -> None:
    from gitlab_ci_provider.helper.phases.upload_artifacts import upload_artifacts

    upload_artifacts(context, uploads)
    if context.plan.dotenv:
        from gitlab_ci_provider.helper.phases.upload_dotenv import upload_dotenv

        upload_dotenv(context, context.plan.dotenv)
    if context.plan.reports:
        from gitlab_ci_provider.helper.phases.upload_reports import upload_reports

        upload_reports(context, context.plan.reports)


def _saved(when: SaveWhen, *, success: bool) -> bool:
    return when == "always" or (when == "on_success") == success

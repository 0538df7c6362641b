"""The init container `prepare`: the phases before the script."""

from __future__ import annotations

from gitlab_ci_provider.helper.context import PhaseContext
from gitlab_ci_provider.helper.phases.get_sources import get_sources
from gitlab_ci_provider.helper.phases.prepare_script import prepare_script
from gitlab_ci_provider.helper.run import Phase, run_phases


def prepare(context: PhaseContext) -> None:
    """Run the phases before the script.

    Raises:
        PhaseFailure: one that the job cannot do without has failed.
    """
    context = _told_by_hook(context)
    plan = context.plan
    if plan.restores or plan.downloads:
        context.store.warm_up()
    phases = (
        Phase(name="prepare_script", heading="Preparing environment", run=prepare_script),
        Phase(
            name="get_sources",
            heading="Getting source from Git repository",
            run=get_sources,
            wanted=plan.sources is not None,
        ),
        Phase(
            name="restore_cache",
            heading="Restoring cache",
            run=_restore_cache,
            wanted=bool(plan.restores),
            fatal=False,
        ),
        Phase(
            name="download_artifacts",
            heading="Downloading artifacts",
            run=_download_artifacts,
            wanted=bool(plan.downloads),
        ),
        Phase(
            name="wait_for_services",
            heading="Waiting for services",
            run=_wait_for_services,
            wanted=bool(plan.services),
        ),
    )
    run_phases(context, phases)


def _told_by_hook(context: PhaseContext) -> PhaseContext:
    if context.plan.hook is None:
        return context
    from gitlab_ci_provider.helper.hook_results import with_hook_results

    return with_hook_results(context)


# Imported when they run: most jobs have no caches and artifacts and should not wait for them.


def _restore_cache(context: PhaseContext) -> None:
    from gitlab_ci_provider.helper.phases.restore_cache import restore_cache

    restore_cache(context)


def _download_artifacts(context: PhaseContext) -> None:
    from gitlab_ci_provider.helper.phases.download_artifacts import download_artifacts

    download_artifacts(context)


def _wait_for_services(context: PhaseContext) -> None:
    from gitlab_ci_provider.helper.phases.wait_for_services import wait_for_services

    wait_for_services(context)

"""Notes which caches and artifacts a job uses, before its pod exists: retention leaves them alone.

See `records/uses.py`.
"""

from __future__ import annotations

from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.model.uses import CacheUse
from gitlab_ci_provider.runs.job_run import JobRun
from gitlab_ci_provider.storage.keys import CACHE_SUFFIX, pipeline_of_artifacts


def note_uses(run: JobRun, plan: JobPlan) -> None:
    """Note what the plan of a job reads and writes."""
    uses, now = run.state.uses, run.state.snapshots.clock()
    names = {archive.object_key: archive.name for archive in plan.archives}
    for restore in plan.restores:
        names |= {key: restore.name for key in restore.object_keys if key not in names}
    # Those of GitLab Runner are not ours to delete.
    names = {key: name for key, name in names.items() if key.endswith(CACHE_SUFFIX)}
    # Artifacts of hand-written DAGs are of no pipeline.
    of_tasks = [load.object_key for load in plan.downloads]
    of_tasks += [load.object_key for load in plan.uploads]
    names |= {key: plan.job for key in of_tasks if not pipeline_of_artifacts(key)}
    user = {"ref": run.record.ref.name, "job": plan.job, "run": run.run_id}
    uses.note_caches(
        CacheUse(object_key=key, name=name, used_at=now, **user) for key, name in names.items()
    )
    pipelines = {pipeline_of_artifacts(download.object_key) for download in plan.downloads}
    for pipeline in sorted(pipelines - {0}):
        uses.note_artifacts(pipeline, now)

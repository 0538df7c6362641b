"""Begins the uploads of a job whose archives are stored while they are made.

Only where the connection of the object store says so: `multipart_uploads`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from gitlab_ci_provider.exceptions import StorageError
from gitlab_ci_provider.model.plan import JobPlan
from gitlab_ci_provider.planner.access import Begun, with_parts
from gitlab_ci_provider.planner.plan_request import PlanRequest
from gitlab_ci_provider.planner.time_limits import access_period
from gitlab_ci_provider.storage.multipart import begin_upload

_log = logging.getLogger(__name__)


def with_uploads(request: PlanRequest, plan: JobPlan) -> JobPlan:
    """Add an upload to a plan for each archive that its job may save.

    A store that fails costs nothing: archives are then stored by one request each.
    """
    try:
        begun = _begun(request, plan)
    except StorageError as problem:
        _log.warning("archives are packed to a file first: %s", problem)
        return plan
    return with_parts(plan, begun, access_period(request, plan))


def _begun(request: PlanRequest, plan: JobPlan) -> dict[str, Begun]:
    caches = {archive.object_key: request.cache_store or request.store for archive in plan.archives}
    artifacts = {upload.object_key: request.store for upload in plan.uploads}
    return {
        key: Begun(store, begin_upload(store, key, datetime.now(UTC)))
        for key, store in {**caches, **artifacts}.items()
        if store is not None and store.multipart and store.access_key
    }

"""Variables that earlier jobs have written (`artifacts:reports:dotenv`), from the object store.

Only this job's worker reads them, when it plans the pod: no XCom contains them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_

import msgspec

from gitlab_ci_provider.exceptions import FailureReason, StorageError, SystemFailure
from gitlab_ci_provider.hooks.object_store import read_object
from gitlab_ci_provider.model.job_artifacts import ArtifactReport
from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.variables import Variable, Variables
from gitlab_ci_provider.storage.base import MissingObjectError


def inherited_variables(
    reports: Mapping[str, tuple[ArtifactReport, ...]], store: StoreTarget | None
) -> Variables:
    """Read what earlier jobs have written; of equal names, the later job's wins.

    Raises:
        SystemFailure: a report is missing or cannot be read.
    """
    found = (_of_job(job, left, store) for job, left in reports.items())
    return reduce(or_, found, Variables())


def own_variables(reports: Iterable[ArtifactReport], store: StoreTarget | None) -> Variables:
    """Read what a job that has ended wrote itself, for its `environment:url`.

    Raises:
        SystemFailure: the report is missing or cannot be read.
    """
    return _of_job("this job", tuple(reports), store)


def _of_job(job: str, reports: tuple[ArtifactReport, ...], store: StoreTarget | None) -> Variables:
    keys = [report.object_key for report in reports if report.kind == "dotenv"]
    if not keys or store is None:
        return Variables()
    try:
        written = msgspec.json.decode(read_object(store, keys[-1]), type=list[tuple[str, str]])
    except MissingObjectError as error:
        message = f"the variables of job '{job}' are gone (expired or removed): {error}"
        raise SystemFailure(message, reason=FailureReason.MISSING_DEPENDENCY_FAILURE) from error
    except StorageError as error:
        raise SystemFailure(f"cannot read the variables of job '{job}': {error}") from error
    return Variables(Variable(name=name, value=value) for name, value in written)

"""The pipelines above and below a pipeline, in a line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitlab_ci_provider.airflow_internals.api_access import may_see_runs, readable_dags
from gitlab_ci_provider.airflow_internals.many_runs import read_runs
from gitlab_ci_provider.airflow_internals.run_rows import read_run, read_run_xcoms
from gitlab_ci_provider.model import xcom_keys
from gitlab_ci_provider.model.run_address import read_address
from gitlab_ci_provider.plugins.page.brief import BriefView, read_briefs
from gitlab_ci_provider.plugins.page.reading import read_record

Key = tuple[str, str]
"""DAG and run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedView:
    """A pipeline above or below.

    Attributes:
        task: of the `trigger:` job between the two pipelines.
        pipeline: None when the reader may not see it, or it is gone.
    """

    task: str
    dag: str
    run: str
    pipeline: BriefView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedViews:
    """All pipelines directly above and below."""

    upstream: RelatedView | None = None
    downstream: tuple[RelatedView, ...] = ()


def read_related(session: Any, user: Any, dag_id: str, run_id: str) -> RelatedViews | None:
    """Read the pipelines above and below a run that the user may read; None without the run."""
    run = read_run(session, dag_id, run_id)
    if run is None:
        return None
    xcoms = read_run_xcoms(session, run, (xcom_keys.PIN, xcom_keys.DOWNSTREAM_LINK))
    links = xcoms.get(xcom_keys.DOWNSTREAM_LINK, {})
    found = {task: read_address(str(link)) for task, link in links.items()}
    below = {task: (place.dag, place.run) for task, place in found.items() if place}
    record = read_record(session, run, xcoms)
    upstream = record.upstream if record else None
    above = (upstream.parent.dag, upstream.parent.run) if upstream else None
    known = _briefs(session, user, {*below.values(), *([above] if above else [])})
    return RelatedViews(
        upstream=_view(upstream.task, above, known) if upstream and above else None,
        downstream=tuple(_view(task, key, known) for task, key in below.items()),
    )


def _briefs(session: Any, user: Any, keys: set[Key]) -> Mapping[Key, BriefView]:
    dags = {dag for dag, _ in keys}
    readable = may_see_runs(user, readable_dags(user, dags, dags))
    runs = read_runs(session, {key for key in keys if key[0] in readable})
    return {(view.dag, view.run): view for view in read_briefs(session, [*runs.values()])}


def _view(task: str, key: Key, known: Mapping[Key, BriefView]) -> RelatedView:
    return RelatedView(task=task, dag=key[0], run=key[1], pipeline=known.get(key))

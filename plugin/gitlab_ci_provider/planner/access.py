"""What a job's pod may do in the object store: read and write the objects of its plan, in its time.

The pod gets no keys: a signed address for each object that the plan names is all that it has, so
an attacker who takes over a container of the pod gains nothing that the job could not do anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from gitlab_ci_provider.model.object_store import StoreTarget
from gitlab_ci_provider.model.plan import Grant, JobPlan, PartsGrant, PreGetSources, StorePlace
from gitlab_ci_provider.storage.keys import index_key, results_key
from gitlab_ci_provider.storage.multipart import MOST_PARTS
from gitlab_ci_provider.storage.signing import Method, Period, signed_url


class Begun(NamedTuple):
    """An upload in parts that has begun; the store has given it a number."""

    store: StoreTarget
    number: str


def with_access(
    plan: JobPlan,
    target: StoreTarget | None,
    period: Period,
    caches: StoreTarget | None = None,
) -> JobPlan:
    """Add the permissions for what a plan does.

    Args:
        plan: of the job.
        target: the object store; None where the plan needs none but that for caches.
        period: for which they are valid.
        caches: the store for caches, if they have one of their own.
    """
    cached = plan.cache_keys

    def stores(keys: Iterable[str]) -> Iterator[tuple[str, StoreTarget]]:
        for key in sorted(set(keys)):
            store = (caches or target) if key in cached else target
            if store is not None:
                yield key, store

    def grants(method: Method, keys: Iterable[str]) -> tuple[Grant, ...]:
        return tuple(
            Grant(object_key=key, url=_signed(store, method, key, period))
            for key, store in stores(keys)
        )

    return replace(
        plan,
        store=_place(target) if target else None,
        cache_store=_place(caches) if caches else None,
        reads=grants("GET", _read(plan)),
        writes=grants("PUT", _written(plan)),
    )


def with_parts(plan: JobPlan, begun: Mapping[str, Begun], period: Period) -> JobPlan:
    """Add the permissions to store objects in parts, by their keys."""
    parted = (_parts(begun[key], key, period) for key in sorted(begun))
    return replace(plan, parted=tuple(parted))


def _signed(store: StoreTarget, method: Method, key: str, period: Period) -> str:
    headers = store.write_headers if method == "PUT" else {}
    return signed_url(store, method, key, period, headers=headers)


def _parts(begun: Begun, key: str, period: Period) -> PartsGrant:
    """Sign the parts of an upload, which differ in their numbers, and its end."""
    store, query = begun.store, {"uploadId": begun.number}
    signed = [
        signed_url(store, "PUT", key, period, query={**query, "partNumber": str(number)})
        for number in range(1, MOST_PARTS + 1)
    ]
    begin, equals, _ = signed[0].rpartition("=")
    return PartsGrant(
        object_key=key,
        part=f"{begin}{equals}".replace("&partNumber=1&", "&partNumber={number}&"),
        signatures=tuple(url.rpartition("=")[2] for url in signed),
        complete=signed_url(store, "POST", key, period, query=query),
        abort=signed_url(store, "DELETE", key, period, query=query),
    )


def _place(target: StoreTarget) -> StorePlace:
    return StorePlace(
        name=f"s3://{target.bucket}/{target.prefix}",
        at=f" at {target.endpoint_url}" if target.endpoint_url else "",
        ca_bundle=target.ca_bundle,
        write_headers=target.write_headers,
    )


def for_hook(plan: JobPlan) -> JobPlan:
    """Leave in a plan what the author's script before the fetch may see: the job's variables."""
    return JobPlan(
        job=plan.job,
        project_dir=plan.project_dir,
        variables=plan.variables,
        hook=plan.hook,
        id_tokens=plan.id_tokens,
    )


def for_prepare(plan: JobPlan) -> JobPlan:
    """Keep what the container before the script needs of a plan.

    Of the variables: those that it writes to files, and what must not appear in its log.
    """
    variables = tuple(variable for variable in plan.variables if variable.file or variable.masked)
    return replace(
        plan,
        variables=variables,
        hook=PreGetSources() if plan.hook else None,
        archives=(),
        uploads=(),
        reports=(),
        dotenv=None,
        writes=(),
        parted=(),
        id_tokens=(),
    )


def for_finish(plan: JobPlan) -> JobPlan:
    """Keep what the container after the script needs: no login, no values to write.

    Masked values stay: they must not appear in its log.
    """
    masked = tuple(variable for variable in plan.variables if variable.masked)
    return replace(
        plan,
        variables=masked,
        sources=None,
        hook=None,
        restores=(),
        downloads=(),
        services=(),
        reads=(),
    )


def _read(plan: JobPlan) -> Iterator[str]:
    for restore in plan.restores:
        yield from restore.object_keys
    for download in plan.downloads:
        yield download.object_key


def _written(plan: JobPlan) -> Iterator[str]:
    for archive in plan.archives:
        yield archive.object_key
    for upload in plan.uploads:
        yield from (upload.object_key, index_key(upload.object_key))
    for report in plan.reports:
        key = report.object_key
        yield from (key, index_key(key), results_key(key))
    if plan.dotenv:
        yield plan.dotenv.object_key

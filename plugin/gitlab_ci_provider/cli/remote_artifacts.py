"""`gitlab-dags artifacts` with any Airflow: what its pipeline page gives to its users.

It needs a login to Airflow and no key of the object store. Airflow's roles hold, and
`artifacts:access`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import airflow, chosen_run, output
from gitlab_ci_provider.cli.downloads import Download, fetch
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import StorageError

if TYPE_CHECKING:
    from gitlab_ci_provider.airflow_api.artifacts import RemoteArchive
    from gitlab_ci_provider.airflow_api.client import AirflowApi
    from gitlab_ci_provider.storage.zip_files import ZipFiles

_ARCHIVE = "archive"


def is_meant(args: argparse.Namespace) -> bool:
    """Return whether an Airflow is meant, and not an object store."""
    return not (args.store or args.home) and bool(airflow.given_url(args))


def list_them(args: argparse.Namespace) -> int:
    """List the artifacts of a pipeline; exit code 1 when there are none."""
    from gitlab_ci_provider.cli.display.tables import size, table, with_files

    api, found = _found(args)
    inside = {each: each.files_in(api) for each in found} if args.files else {}
    if args.json:
        output.say_json({"artifacts": [_described(api, each, inside) for each in found]}, indent=2)
        return 0 if found else 1
    rows = [
        (each.job, each.kind, str(each.files), size(each.size), each.expires or "never")
        for each in found
    ]
    files = ([(file["path"], file["size"]) for file in inside.get(each, ())] for each in found)
    lines = table(("JOB", "KIND", "FILES", "SIZE", "EXPIRES"), rows)
    for line in with_files(lines, files):
        output.say(line)
    if not found:
        output.note("no such artifacts")
    return 0 if found else 1


def get(args: argparse.Namespace) -> int:
    """Fetch artifacts of a pipeline, or files of them."""
    api, found = _wanted(args)
    return fetch([Download(each.job, partial(_opened, api, each)) for each in found], args)


def show_address(args: argparse.Namespace) -> int:
    """Print the address of an archive, for a browser that is logged in to that Airflow."""
    api, found = _wanted(args)
    if len(found) > 1:
        jobs = ", ".join(f"{each.job} ({each.kind})" for each in found)
        raise WrongUsage(f"there are several archives, choose with --job or --report: {jobs}")
    address = f"{api.url}{found[0].download}"
    if args.json:
        output.say_json({"url": address, "job": found[0].job, "kind": found[0].kind})
    else:
        output.say(address)
    return 0


def _found(args: argparse.Namespace) -> tuple[AirflowApi, list[RemoteArchive]]:
    """List the archives that the flags mean."""
    from gitlab_ci_provider.airflow_api.artifacts import list_archives

    run = chosen_run.chosen(args)
    found = [
        each
        for each in list_archives(run.api, run.dag, run.run, args.attempt)
        if args.job in {"", each.job} and args.report in {"", each.kind}
    ]
    return run.api, found


def _described(
    api: AirflowApi, archive: RemoteArchive, inside: Mapping[RemoteArchive, Sequence[Any]]
) -> dict[str, Any]:
    files = {"contents": inside[archive]} if archive in inside else {}
    return {**asdict(archive), "url": f"{api.url}{archive.download}", **files}


def _wanted(args: argparse.Namespace) -> tuple[AirflowApi, list[RemoteArchive]]:
    """List the archives to fetch: reports only when they are asked for.

    Raises:
        StorageError: there are none.
    """
    api, found = _found(args)
    wanted = [each for each in found if args.report or each.kind == _ARCHIVE]
    if not wanted:
        raise StorageError("the pipeline has no such artifacts: see `artifacts list`")
    return api, wanted


@contextmanager
def _opened(api: AirflowApi, archive: RemoteArchive) -> Iterator[ZipFiles]:
    from gitlab_ci_provider.storage.folder_shelf import FolderShelf
    from gitlab_ci_provider.storage.zip_files import ZipFiles

    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / _ARCHIVE).open("wb") as file:
            api.save(archive.download, file)
        with ZipFiles(FolderShelf(Path(folder)), _ARCHIVE) as files:
            yield files

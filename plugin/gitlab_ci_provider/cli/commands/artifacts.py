"""`gitlab-dags artifacts`: what jobs have left, listed, fetched, opened."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import airflow, objects, output, remote_artifacts
from gitlab_ci_provider.cli.chosen_run import run_address
from gitlab_ci_provider.cli.downloads import Download, fetch
from gitlab_ci_provider.cli.remote_artifacts import get, list_them, show_address
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import SourceError, StorageError

if TYPE_CHECKING:
    from gitlab_ci_provider.model.project import Project
    from gitlab_ci_provider.retention.catalog import Catalog, Selection, StoredArchive

_PIPELINES = 10
Run = Callable[[argparse.Namespace], int]


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "artifacts",
        help="list, fetch and open artifacts",
        description="List, fetch and open the artifacts of a project's jobs. The newest pipeline "
        "that has what is meant counts, and the newest try of each job.",
    )
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = _verb(verbs, "list", "list the artifacts of a project", _list, list_them)
    listing.add_argument("--files", action="store_true", help="list the files in them, too")
    listing.add_argument(
        "--max",
        type=int,
        default=_PIPELINES,
        metavar="N",
        help=f"of the newest N pipelines that have some; 0 for all (default: {_PIPELINES})",
    )
    listing.add_argument("--json", action="store_true", help="print all that is known, as JSON")
    _register_get(_verb(verbs, "get", "fetch artifacts, or files of them", _get, get))
    opening = _verb(verbs, "open", "open an archive in the browser", _open, show_address)
    opening.add_argument("--json", action="store_true", help="only print the address, as JSON")
    opening.add_argument(
        "--print", action="store_true", dest="printed", help="only print the address"
    )


def _register_get(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        default="artifacts",
        metavar="DIR",
        help="folder for the files, with a folder for each job unless --job names one; - writes "
        "one file to standard output (default: artifacts)",
    )
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        dest="paths",
        metavar="P",
        help="only this file, folder or pattern in them; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print what was fetched, as JSON")


def _verb(verbs: Any, name: str, words: str, here: Run, there: Run) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=words, description=f"{words.capitalize()}."
    )
    parser.add_argument(
        "project",
        metavar="PROJECT",
        help="a path, a URL, group/project, the address of a run, or @dags/DAG_ID for a DAG of "
        "your own",
    )
    parser.add_argument("--ref", default="", help="of pipelines of this branch or tag")
    parser.add_argument("--job", default="", metavar="NAME", help="of this job")
    parser.add_argument("--pipeline", type=int, default=0, metavar="N", help="its CI_PIPELINE_ID")
    parser.add_argument(
        "--run", default="", metavar="RUN_ID", dest="run_id", help="its Airflow run"
    )
    parser.add_argument(
        "--try", type=int, default=0, metavar="N", dest="attempt", help="of the job"
    )
    parser.add_argument("--report", default="", metavar="KIND", help="reports, such as junit")
    objects.add_flags(parser)
    airflow.add_address_flags(parser)
    parser.set_defaults(
        run=lambda args: there(args) if remote_artifacts.is_meant(args) else here(args)
    )
    return parser


def _catalog(args: argparse.Namespace) -> tuple[Catalog, Selection]:
    from datetime import UTC, datetime

    from gitlab_ci_provider.retention.catalog import Catalog, Selection
    from gitlab_ci_provider.retention.guard import Guard
    from gitlab_ci_provider.retention.permission import Permission
    from gitlab_ci_provider.retention.policy import Policy

    stored = objects.stored(args)
    project, run_id = _meant(stored, args)
    register = stored.state.register
    catalog = Catalog(
        shelf=stored.shelf,
        project=project,
        find=register.get,
        permission=Permission(
            guard=Guard(register, lambda *_: None, Policy()), now=datetime.now(UTC).timestamp()
        ),
    )
    selection = Selection(
        ref=args.ref,
        job=args.job,
        pipeline=args.pipeline,
        run=run_id,
        kind=args.report,
        attempt=args.attempt,
    )
    return catalog, selection


def _meant(stored: objects.Stored, args: argparse.Namespace) -> tuple[Project, str]:
    """Find the project and the run that are meant.

    Raises:
        SourceError: the address of a run names a DAG that is not known here.
    """
    address = run_address(args.project)
    if address is None:
        return stored.project(args.project), args.run_id
    known = stored.state.snapshots.find_dag(address[1].dag)
    if known is None:
        raise SourceError(f"the DAG {address[1].dag} is not known here: name the project instead")
    return known.project, address[1].run


def _list(args: argparse.Namespace) -> int:
    """List them; exit code 1 when there are none."""
    catalog, selection = _catalog(args)
    found = catalog.archives(selection, max(0, args.max))
    if args.json:
        output.say_json({"artifacts": [_plain(archive) for archive in found]}, indent=2)
    else:
        for line in _lines(found, files=args.files):
            output.say(line)
        if not found:
            output.note(f"no such artifacts of {catalog.project.path}")
    return 0 if found else 1


def _get(args: argparse.Namespace) -> int:
    """Fetch them; exit code 1 when something is missing or was left out."""
    from gitlab_ci_provider.storage.zip_files import ZipFiles

    catalog, found = _newest(args)
    return fetch(
        [
            Download(each.job, partial(ZipFiles, catalog.shelf, each.object_key, each.checksums))
            for each in found
        ],
        args,
    )


def _newest(args: argparse.Namespace) -> tuple[Catalog, list[StoredArchive]]:
    """Find the archives that are meant.

    Raises:
        StorageError: there are none.
    """
    from gitlab_ci_provider.retention.catalog import ARCHIVE

    catalog, selection = _catalog(args)
    for found in catalog.found(selection):
        chosen = [archive for archive in found if args.report or archive.kind == ARCHIVE]
        if chosen:
            return catalog, _permitted([catalog.with_index(archive) for archive in chosen])
    raise StorageError(f"no such artifacts of {catalog.project.path}: see `artifacts list`")


def _permitted(archives: list[StoredArchive]) -> list[StoredArchive]:
    """Leave out what may not be downloaded, and say so.

    Raises:
        StorageError: that is all.
    """
    refused = [f"artifacts of {each.job}: {each.refusal}" for each in archives if each.refusal]
    if len(refused) == len(archives):
        raise StorageError("; ".join(refused))
    for words in refused:
        output.error(words)
    return [archive for archive in archives if not archive.refusal]


def _open(args: argparse.Namespace) -> int:
    """Print the address of an archive and open it."""
    catalog, found = _newest(args)
    if len(found) > 1:
        jobs = ", ".join(f"{archive.job} ({archive.kind})" for archive in found)
        raise WrongUsage(f"there are several archives, choose with --job or --report: {jobs}")
    archive = found[0]
    name = archive.index.name if archive.index else archive.job
    address = catalog.shelf.address(archive.object_key, f"{name}.zip")
    if not address:
        raise StorageError(
            "the stack is not running, so no browser can fetch it: start it with `gitlab-dags up`, "
            "or use `artifacts get`"
        )
    if args.json:
        output.say_json({"url": address, "job": archive.job, "kind": archive.kind})
        return 0
    output.note("this address is valid for an hour, for everybody who has it:")
    output.say(address)
    if not args.printed and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(address)
    return 0


def _lines(found: list[StoredArchive], *, files: bool) -> Iterator[str]:
    from gitlab_ci_provider.cli.display.tables import moment, size, table, with_files

    heading = ("PIPELINE", "REF", "JOB", "TRY", "KIND", "FILES", "SIZE", "EXPIRES")
    rows = []
    for archive in found:
        index = archive.index
        ref = archive.entry.ref.name if archive.entry else "-"
        count = str(sum(not file.path.endswith("/") for file in index.files)) if index else "-"
        expires = _expires(archive, moment)
        numbers = (str(archive.attempt), archive.kind, count, size(archive.size), expires)
        rows.append((archive.run or str(archive.pipeline), ref, archive.job, *numbers))
    indexes = (archive.index if files else None for archive in found)
    inside = (
        [(file.path, file.size) for file in index.files] if index else [] for index in indexes
    )
    yield from with_files(table(heading, rows), inside)


def _expires(archive: StoredArchive, moment: Callable[[float], str]) -> str:
    index = archive.index
    if index is None or index.expire_at is None:
        return "-" if index is None else "never"
    return f"{moment(index.expire_at)}{' (over)' if archive.is_over else ''}"


def _plain(archive: StoredArchive) -> dict[str, Any]:
    entry, index = archive.entry, archive.index
    return {
        "pipeline": archive.pipeline,
        "run": archive.run or None,
        "ref": entry.ref.name if entry else None,
        "status": entry.status if entry else None,
        "dag_id": entry.dag_id if entry else None,
        "run_id": entry.run_id if entry else None,
        "job": archive.job,
        "try": archive.attempt,
        "kind": archive.kind,
        "name": index.name if index else None,
        "object_key": archive.object_key,
        "size": archive.size,
        "created": index.created if index else None,
        "expire_at": index.expire_at if index else None,
        "expired": archive.is_over,
        "access": index.access if index else None,
        "files": [
            {"path": file.path, "size": file.size, "mode": file.mode}
            for file in (index.files if index else ())
        ],
    }

"""`gitlab-dags cache`: the caches of a project, listed and cleared."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import objects, output

if TYPE_CHECKING:
    from gitlab_ci_provider.model.uses import CacheUse
    from gitlab_ci_provider.storage.shelf import StoredObject


@dataclass(frozen=True, slots=True)
class _Cache:
    """A cache; `use` is None when no job of this installation has used it."""

    stored: StoredObject
    use: CacheUse | None


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "cache",
        help="list and clear caches",
        description="List and clear the caches of a project.",
    )
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _verb(verbs, "list", "list the caches of a project", _list)
    _verb(verbs, "clear", "delete caches; without filters, all of a project", _clear)


def _verb(verbs: Any, name: str, words: str, run: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=words, description=f"{words.capitalize()}."
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    parser.add_argument("--key", default="", metavar="K", help="with this key; * matches anything")
    parser.add_argument("--ref", default="", help="last used by a job of this branch or tag")
    parser.add_argument("--job", default="", metavar="NAME", help="last used by this job")
    parser.add_argument(
        "--run", default="", metavar="RUN_ID", dest="run_id", help="last used in this Airflow run"
    )
    parser.add_argument("--json", action="store_true", help="print all that is known, as JSON")
    objects.add_flags(parser)
    parser.set_defaults(run=run)


def _list(args: argparse.Namespace) -> int:
    """List them; exit code 1 when there are none."""
    found = _found(args, objects.stored(args))
    if args.json:
        output.say_json({"caches": [_plain(cache) for cache in found]}, indent=2)
    else:
        for line in _lines(found):
            output.say(line)
        if not found:
            output.note(f"no such caches of {args.project}")
    return 0 if found else 1


def _clear(args: argparse.Namespace) -> int:
    """Delete them; exit code 1 when one could not be deleted.

    When all are meant, later jobs use other keys, as in GitLab: a job that runs now and saves its
    cache at its end does not bring an old one back.
    """
    stored = objects.stored(args)
    project = stored.project(args.project)
    found = _found(args, stored)
    uses = stored.state.uses
    index = uses.cache_index(project.path)
    if not (args.key or args.ref or args.job or args.run_id):
        index = uses.clear_caches(project.path)
    problems = stored.shelf.delete([cache.stored.key for cache in found])
    for cache in found:
        if cache.stored.key not in problems:
            uses.drop_cache(cache.stored.key, float("inf"))
    if args.json:
        cleared = [_plain(cache) for cache in found if cache.stored.key not in problems]
        output.say_json({"cleared": cleared, "index": index, "problems": problems}, indent=2)
    for key, problem in problems.items():
        output.error(f"{key}: {problem}")
    output.note(f"cleared {len(found) - len(problems)} of {len(found)} caches of {project.path}")
    return 1 if problems else 0


def _found(args: argparse.Namespace, stored: objects.Stored) -> list[_Cache]:
    """List the caches that are meant, the last used first."""
    from gitlab_ci_provider.storage.keys import CACHE_SUFFIX, caches_folder

    project = stored.project(args.project)
    uses = stored.state.uses.caches(caches_folder(project))
    listed = stored.shelf.objects(caches_folder(project))
    caches = [
        _Cache(found, uses.get(found.key)) for found in listed if found.key.endswith(CACHE_SUFFIX)
    ]
    meant = [cache for cache in caches if _is_meant(args, cache)]
    return sorted(meant, key=lambda cache: cache.use.used_at if cache.use else 0, reverse=True)


def _is_meant(args: argparse.Namespace, cache: _Cache) -> bool:
    use = cache.use
    names = {_object_name(cache), use.name if use else _object_name(cache)}
    return (
        (not args.key or any(fnmatchcase(name, args.key) for name in names))
        and (not args.ref or (use is not None and use.ref == args.ref))
        and (not args.job or (use is not None and use.job == args.job))
        and (not args.run_id or (use is not None and use.run == args.run_id))
    )


def _object_name(cache: _Cache) -> str:
    from gitlab_ci_provider.storage.keys import CACHE_SUFFIX

    return cache.stored.key.rpartition("/")[2].removesuffix(CACHE_SUFFIX)


def _lines(found: list[_Cache]) -> Iterator[str]:
    from gitlab_ci_provider.cli.display.tables import ago, size, table

    now = datetime.now(UTC).timestamp()
    rows = []
    for cache in found:
        use = cache.use
        last = (ago(now - use.used_at), use.ref, use.job) if use else ("-", "-", "-")
        rows.append((_object_name(cache), size(cache.stored.size), *last))
    yield from table(("KEY", "SIZE", "USED", "REF", "JOB"), rows)


def _plain(cache: _Cache) -> dict[str, Any]:
    use = cache.use
    return {
        "key": use.name if use else None,
        "object_key": cache.stored.key,
        "size": cache.stored.size,
        "used_at": use.used_at if use else None,
        "ref": use.ref if use else None,
        "job": use.job if use else None,
        "run_id": (use.run or None) if use else None,
    }

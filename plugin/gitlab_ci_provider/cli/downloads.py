"""What `artifacts get` does with archives, wherever they come from: unpack them, print a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.exceptions import StorageError

if TYPE_CHECKING:
    from gitlab_ci_provider.storage.zip_files import ZipFiles

_STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Download:
    """An archive that can be opened."""

    job: str
    open: Callable[[], AbstractContextManager[ZipFiles]]


def fetch(downloads: Sequence[Download], args: argparse.Namespace) -> int:
    """Fetch what the flags of `get` ask for; exit code 1 when something was left out.

    Raises:
        StorageError: no archive has what is asked for.
    """
    from gitlab_ci_provider.local.follow.logs import file_names

    if args.to == _STDOUT:
        return _print_file(downloads, args.paths)
    names = file_names({download.job for download in downloads})
    problems: list[str] = []
    got = 0
    for download in downloads:
        folder = Path(args.to) if args.job else Path(args.to) / names[download.job]
        got += _unpack(download, folder, args.paths, problems)
    if args.paths and not got and not problems:
        raise StorageError(_no_file(args.paths))
    for problem in problems:
        output.error(problem)
    if args.json:
        place = str(Path(args.to).absolute())
        output.say_json({"files": got, "folder": place, "problems": problems})
    return 1 if problems else 0


def _unpack(download: Download, folder: Path, paths: list[str], problems: list[str]) -> int:
    with download.open() as files:
        names, _ = files.select(paths)
        if not names:
            return 0
        folder.mkdir(parents=True, exist_ok=True)
        count = files.unpack(names, folder, lambda said: problems.append(f"{download.job}: {said}"))
    output.note(f"{download.job}: {count} files and folders in {folder}")
    return count


def _print_file(downloads: Sequence[Download], paths: list[str]) -> int:
    """Write one file to standard output, as it is."""
    if len(paths) != 1:
        raise WrongUsage("--to - writes one file: name it with --path")
    for download in downloads:
        with download.open() as files:
            names = [name for name in files.select(paths)[0] if not name.endswith("/")]
            if len(names) > 1:
                raise WrongUsage(f"--to - writes one file, but {paths[0]!r} names {len(names)}")
            if names:
                with suppress(BrokenPipeError):  # `| head`
                    files.copy(names[0], sys.stdout.buffer)
                return 0
    raise StorageError(_no_file(paths))


def _no_file(paths: list[str]) -> str:
    listed = ", ".join(paths)
    return f"no artifact has {listed}: `artifacts list --files` shows what there is"

"""`gitlab-dags lint`: all problems of a configuration at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.commands.compile import add_context_flags, add_source_flags, request_of
from gitlab_ci_provider.cli.configuration.compiled import Compiled, compile_request
from gitlab_ci_provider.cli.configuration.formats import FORMATS
from gitlab_ci_provider.cli.configuration.patch import docker_patch, summary
from gitlab_ci_provider.cli.preflight import image_warnings, runs_without_images
from gitlab_ci_provider.cli.usage import WrongUsage
from gitlab_ci_provider.compiler.compile import without_followers
from gitlab_ci_provider.exceptions import SourceError
from gitlab_ci_provider.linter.lint import lint
from gitlab_ci_provider.local.home import default_home
from gitlab_ci_provider.model.diagnostic import (
    Diagnostic,
    Severity,
    SourceLocation,
    error,
    errors_in,
)
from gitlab_ci_provider.model.pipeline import Pipeline
from gitlab_ci_provider.sources.directory import DirectoryFetcher


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "lint",
        help="list all errors and warnings of a .gitlab-ci.yml",
        description="List everything that is wrong with a .gitlab-ci.yml: the errors that make "
        "GitLab refuse it, and warnings. Exit code: 0 no errors, 1 errors, 2 wrong usage.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="directories or files (default: here)",
    )
    parser.add_argument("--format", choices=tuple(FORMATS), default="text", help="default: text")
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="same as --format json"
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="print a patch for `git apply`: jobs that need a Docker daemon as image builds",
    )
    add_context_flags(parser)
    add_source_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.fix and args.format != "text":
        raise WrongUsage(f"--fix prints a patch: it cannot be combined with --format {args.format}")
    if args.fix:
        return _print_patches(args)
    found: list[Diagnostic] = []
    pipelines: list[Pipeline] = []
    for path in args.paths:
        request = request_of(args, Path(path))
        try:
            compiled = compile_request(request)
            found += from_here(findings(compiled), *request.place())
        except SourceError as problem:
            found.append(error("file-missing", str(problem), SourceLocation(file=path, line=0)))
        else:
            pipelines += [compiled.result.pipeline] if compiled.result.pipeline else []
    output.say(FORMATS[args.format](found))
    if runs_without_images(default_home()):
        for line in image_warnings(pipelines):
            output.note(f"`gitlab-dags run` on this machine: {line}")
    return 1 if (found if args.strict else errors_in(found)) else 0


def _print_patches(args: argparse.Namespace) -> int:
    """Print a patch for each path; standard error says what is in it, and which are in error."""
    valid = True
    for path in args.paths:
        request = request_of(args, Path(path))
        try:
            compiled = compile_request(request)
        except SourceError as problem:
            output.error(str(problem))
            return 1
        files = DirectoryFetcher(request.place()[0])
        patch = docker_patch(files, compiled.context, request.elsewhere())
        for line in summary(patch):
            output.note(line)
        if patch.text:
            output.say(patch.text.removesuffix("\n"))
        valid = valid and compiled.valid
    return 0 if valid else 1


def findings(compiled: Compiled) -> list[Diagnostic]:
    """List errors first, then warnings, each in the order of the file."""
    config = compiled.result.config
    found = without_followers([*compiled.diagnostics, *(lint(config) if config else ())])
    return sorted(found, key=lambda one: (one.severity is not Severity.ERROR, one.location))


def from_here(found: Sequence[Diagnostic], folder: Path, main: str) -> list[Diagnostic]:
    """Name files as seen from the current folder, so that editors and reports find them.

    Args:
        found: names files as seen from `folder`.
        folder: the root of the repository.
        main: the file that was to be read, which may not be there.
    """
    places = [(one, one.location.file) for one in found]
    seen = {file: _from_here(folder / file) for _, file in places if _is_ours(folder, file, main)}
    return [
        replace(one, location=replace(one.location, file=seen.get(file, file)))
        for one, file in places
    ]


def _is_ours(folder: Path, file: str, main: str) -> bool:
    """Tell files of the folder from those of other projects and servers."""
    return file == main or (folder / file).is_file()


def _from_here(path: Path) -> str:
    path = path.absolute()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

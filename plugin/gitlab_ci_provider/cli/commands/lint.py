"""`gitlab-dags lint`: all problems of a configuration at once."""

from __future__ import annotations

import argparse
import json

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.commands.compile import add_context_flags, request_of
from gitlab_ci_provider.cli.compiled import as_object, compile_request


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("lint", help="list the problems of a .gitlab-ci.yml")
    parser.add_argument("path", nargs="?", default=".", help="a directory or the file itself")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_context_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    compiled = compile_request(request_of(args))
    if args.format == "json":
        output.say(json.dumps(as_object(compiled)["diagnostics"], indent=2, ensure_ascii=False))
        return 0 if compiled.valid else 1
    for one in compiled.diagnostics:
        output.say(str(one))
        if one.hint:
            output.say(f"    {one.hint}")
    if not compiled.diagnostics:
        output.note("no problems found")
    return 0 if compiled.valid else 1

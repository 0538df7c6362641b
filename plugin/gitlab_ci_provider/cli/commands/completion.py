"""`gitlab-dags completion`: what a shell needs to complete commands, options and job names."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from gitlab_ci_provider.cli import output

_SHELLS = ("bash", "zsh", "fish")
_JOBS = frozenset({"job", "manual", "follow", "explain", "jobs"})
"""Arguments whose values are names of jobs."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "completion",
        help="print the completion script of a shell",
        description="Print a script that completes commands, options and names of jobs. For bash: "
        'add `eval "$(gitlab-dags completion bash)"` to ~/.bashrc.',
    )
    parser.add_argument("shell", choices=_SHELLS, metavar="SHELL", help="bash, zsh or fish")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    from argcomplete.shell_integration import shellcode

    output.say(shellcode(["gitlab-dags"], shell=args.shell).rstrip())
    return 0


def complete(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that asks what may come next, and end the program."""
    import argcomplete

    for command in _parsers(parser):
        for action in command._actions:  # noqa: SLF001 - nothing else lists them
            if action.dest in _JOBS:
                action.completer = _job_names  # type: ignore[attr-defined]  # argcomplete reads it
    argcomplete.autocomplete(parser)


def _parsers(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:  # noqa: SLF001 - it has no other name
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for below in action.choices.values():
                yield from _parsers(below)


def _job_names(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """List the jobs of the `.gitlab-ci.yml` that the command line is about; none if unreadable."""
    from pathlib import Path

    from gitlab_ci_provider.cli.configuration.compiled import compile_request
    from gitlab_ci_provider.cli.configuration.request import Request

    given = getattr(parsed_args, "path", None) or getattr(parsed_args, "project", None) or "."
    folder = Path(str(given))
    try:
        compiled = compile_request(Request(path=folder if folder.exists() else Path()))
    except Exception:  # noqa: BLE001 - a shell shows nothing of what is wrong
        return []
    pipeline = compiled.result.pipeline
    return list(pipeline.jobs) if pipeline else []

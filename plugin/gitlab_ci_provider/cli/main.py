"""The command `gitlab-dags`.

Only the command that is asked for is imported: `compile` and `lint` start in a tenth of a second.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from gitlab_ci_provider import __version__
from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.usage import AlreadySaidError, Parser, WrongUsage
from gitlab_ci_provider.exceptions import GitlabCiError

_COMMANDS = {
    "run": "run",
    "lint": "lint",
    "compile": "compile",
    "verify": "verify",
    "up": "up",
    "status": "up",
    "down": "up",
    "remove": "remove",
    "jobs": "play",
    "logs": "logs",
    "play": "play",
    "retry": "play",
    "cancel": "play",
    "trigger": "trigger",
    "backfill": "backfill",
    "environments": "environments",
    "artifacts": "artifacts",
    "cache": "cache",
    "sync": "sync",
    "webhooks": "webhooks",
    "runners": "runners",
    "reap": "reap",
    "prune": "prune",
    "completion": "completion",
}
"""Commands and the modules that hold them, in the order of `--help`."""

_SHORT = (["compile"], ["lint"])
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 success, 1 failure, 2 wrong usage, 70 our bug."""
    output.prepare()
    if "_ARGCOMPLETE" in os.environ:
        from gitlab_ci_provider.cli.commands.completion import complete

        complete(_parser([]))
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in _SHORT:
        gc.disable()  # a tree of a million nodes is walked many times, and nothing is freed
    args = argparse.Namespace(json="--json" in given)
    try:
        _parser(given[:1]).parse_args(given, args)
        code: int = args.run(args)
    except WrongUsage as problem:
        _failed(args, problem.message, 2)
        raise
    except KeyboardInterrupt:
        code = _failed(args, "stopped", _INTERRUPTED)
    except (GitlabCiError, OSError) as problem:
        said = isinstance(problem, AlreadySaidError)
        code = _failed(args, _worded(problem), 1, said=said)
    except Exception as problem:  # noqa: BLE001 - no traceback reaches a person
        from gitlab_ci_provider.cli.crash_report import EXIT_CODE, unexpected

        code = _failed(args, unexpected("".join(given[:1]), problem), EXIT_CODE)
    output.flush()
    return code


def _failed(args: argparse.Namespace, message: str, code: int, *, said: bool = False) -> int:
    """Report why a command failed; with --json as JSON."""
    if not said:
        output.error(message)
    if args.json:
        answer = getattr(args, "failed", lambda words: {"status": "error", "error": words})
        output.say_json(answer(message))
        output.flush()
    return code


def _worded(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        names = " -> ".join(str(one) for one in (problem.filename, problem.filename2) if one)
        return f"{names}: {problem.strerror}" if names else problem.strerror
    return str(problem)


def _parser(first: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="gitlab-dags",
        description="Run GitLab CI pipelines on Airflow and Kubernetes.",
        epilog="`gitlab-dags COMMAND --help` describes a command and its options.",
    )
    parser.add_argument("--version", action="version", version=f"gitlab-dags {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    wanted = [_COMMANDS[name] for name in first if name in _COMMANDS]
    for module in dict.fromkeys(wanted or _COMMANDS.values()):
        import_module(f"gitlab_ci_provider.cli.commands.{module}").register(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

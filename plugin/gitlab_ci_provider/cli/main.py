"""The command `gitlab-dags`.

Only the command that is asked for is imported: `compile` and `lint` start in a tenth of a second.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from importlib import import_module

from gitlab_ci_provider import __version__
from gitlab_ci_provider.cli import output
from gitlab_ci_provider.exceptions import GitlabCiError

_COMMANDS = {
    "compile": "compile",
    "lint": "lint",
    "run": "run",
    "up": "up",
    "status": "up",
    "down": "up",
    "sync": "sync",
    "environments": "environments",
    "trigger": "trigger",
    "backfill": "backfill",
}
"""Commands and the modules that hold them."""

_SHORT = (["compile"], ["lint"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code: 0 good, 1 not, 2 used wrongly."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in _SHORT:
        gc.disable()  # a tree of a million nodes is walked again and again, and nothing is freed
    args = _parser(given[:1]).parse_args(given)
    try:
        code: int = args.run(args)
        output.flush()
    except BrokenPipeError:
        output.abandon()
        return 0
    except (GitlabCiError, OSError) as problem:
        output.error(str(problem))
        return 1
    return code


def _parser(first: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gitlab-dags", description="GitLab CI pipelines on Airflow and Kubernetes."
    )
    parser.add_argument("--version", action="version", version=f"gitlab-dags {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    wanted = [_COMMANDS[name] for name in first if name in _COMMANDS]
    for module in dict.fromkeys(wanted or _COMMANDS.values()):
        import_module(f"gitlab_ci_provider.cli.commands.{module}").register(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

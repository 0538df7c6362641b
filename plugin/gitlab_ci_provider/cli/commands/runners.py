"""`gitlab-dags runners`: the file of runners."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.configuration.formats import FORMATS, as_data


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "runners",
        help="check a file of runners, or make one from GitLab Runner's config.toml",
        description="Check a file of runners, make one from GitLab Runner's config.toml, or print "
        "its schema.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="list all errors of a file of runners",
        description="List all errors of a file of runners. Exit code: 0 none, 1 errors.",
    )
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--format", choices=tuple(FORMATS), default="text", help="default: text")
    check.add_argument(
        "--json", dest="format", action="store_const", const="json", help="same as --format json"
    )
    check.set_defaults(run=_check)
    taken = actions.add_parser(
        "import",
        help="make a file of runners from GitLab Runner's config.toml",
        description="Print a file of runners made from GitLab Runner's config.toml, and list what "
        "is not taken over on the error output. Exit code: 0 the file can be used, 1 it has errors "
        "or there are no runners.",
    )
    taken.add_argument("file", type=Path, metavar="CONFIG_TOML")
    taken.add_argument("--json", action="store_true", help="print file and findings as JSON")
    taken.set_defaults(run=_import)
    schema = actions.add_parser(
        "schema",
        help="print the JSON Schema of such a file, for editors",
        description="Print the JSON Schema of a file of runners.",
    )
    schema.set_defaults(run=_schema)


def _check(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.model.runner import RunnerProfile
    from gitlab_ci_provider.runners.file import read_runners

    read = read_runners(args.file.read_bytes(), str(args.file), RunnerProfile())
    output.say(FORMATS[args.format](read.diagnostics))
    return 1 if read.errors else 0


def _import(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.runners.toml_import import import_toml

    imported = import_toml(args.file.read_bytes(), str(args.file))
    if args.json:
        findings = [as_data(one) for one in imported.diagnostics]
        status = "imported" if imported.works else "failed"
        output.say_json({"status": status, "runners": imported.text, "diagnostics": findings})
    else:
        output.diagnostics(imported.diagnostics)
        output.say(imported.text.rstrip())
    return 0 if imported.works else 1


def _schema(_: argparse.Namespace) -> int:
    from gitlab_ci_provider.runners.reference import schema

    output.say(json.dumps(schema(), indent=2))
    return 0

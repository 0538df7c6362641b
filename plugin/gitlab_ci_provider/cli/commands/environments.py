"""`gitlab-dags environments`: where a project is deployed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.display import tables
from gitlab_ci_provider.cli.repositories import find_project
from gitlab_ci_provider.model.environment import EnvironmentRecord


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "environments",
        help="list the environments of a project",
        description="List the environments of a project: state, tier, last deployment, who made it "
        "and when, URL.",
    )
    parser.add_argument("project", metavar="PROJECT", help="a path, a URL, or group/project")
    parser.add_argument(
        "--home", type=Path, help="[gitlab_ci] home of an Airflow (default: that of the stack)"
    )
    parser.add_argument("--json", action="store_true", help="print all that is known, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; exit code 1 when there are none."""
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state

    settings = home_settings(args.home or default_home().data)
    state = open_state(settings)
    environments = state.environments
    found = environments.of_project(find_project(state.snapshots, args.project).path)
    if args.json:
        from gitlab_ci_provider.model.serialization import encode

        output.say(encode(found).decode())
    elif not found:
        output.note(
            f"no environments of {args.project} in {environments.store.location('environments')}"
        )
    for line in [] if args.json else _lines(found):
        output.say(line)
    return 0 if found else 1


def _lines(records: list[EnvironmentRecord]) -> Iterator[str]:
    heading = ("ENVIRONMENT", "STATE", "TIER", "DEPLOYED", "PIPELINE", "BY", "AT", "URL", "STOPS")
    return tables.table(heading, [_row(record) for record in records])


def _row(record: EnvironmentRecord) -> tuple[str, ...]:
    last = record.deployment
    deployed = (
        (f"{last.ref}@{last.sha[:8]}", f"#{last.pipeline}", last.user or "-", _at(last.finished_at))
        if last
        else ("-", "-", "-", "-")
    )
    kind = (record.name, str(record.state), record.tier)
    return (*kind, *deployed, record.url or "-", _at(record.auto_stop_at))


def _at(moment: str | None) -> str:
    return tables.moment(datetime.fromisoformat(moment).timestamp() if moment else None)

"""Gives commands to Airflow's own command line; prints connections and variables after each.

A program of its own, with one database for all commands: Airflow reads its configuration when it is
imported, which takes longer than any command. The commands come as JSON, each a list of arguments.
"""

from __future__ import annotations

import json
import sys

from airflow import settings
from airflow.cli.cli_parser import get_parser
from airflow.models import Connection, Variable  # noqa: TID251 - the database is what is looked at
from airflow.models.base import Base  # noqa: TID251
from airflow.utils.session import create_session
from sqlalchemy import delete, select

KEPT = {"connections", "variables"}
"""Commands that need nothing but the database; of others, only the arguments are read."""


def run(arguments: list[str]) -> dict[str, object]:
    """Run one command; tell what is in the database then, and leave nothing there."""
    args = get_parser().parse_args(arguments)
    if arguments[0] not in KEPT:
        return {}
    args.func(args)
    with create_session() as session:
        connections = {
            one.conn_id: {"type": one.conn_type, "host": one.host, "extra": one.extra_dejson}
            for one in session.scalars(select(Connection))
        }
        found = {one.key: one.get_val() for one in session.scalars(select(Variable))}
        session.execute(delete(Connection))
        session.execute(delete(Variable))
    return {"connections": connections, "variables": found}


if __name__ == "__main__":
    Base.metadata.create_all(settings.engine)
    results = [run(arguments) for arguments in json.load(sys.stdin)]
    print(json.dumps(results))  # noqa: T201

"""Flags that say what a pipeline is for, to the conf of its Airflow run."""

from __future__ import annotations

import argparse
from typing import Any

from gitlab_ci_provider.cli.pairs import name_value, plain


def add_flags(parser: argparse.ArgumentParser, *, source: str) -> None:
    """Add the flags that every run may have."""
    parser.add_argument("--var", action="append", default=[], metavar="K=V", help="a variable")
    parser.add_argument(
        "--input", action="append", default=[], metavar="K=V", help="an input; JSON, or else a text"
    )
    parser.add_argument("--job", action="append", default=[], metavar="NAME", help="only this job")
    parser.add_argument(
        "--source", metavar="S", default=source, help=f"CI_PIPELINE_SOURCE (default: {source})"
    )


def conf(args: argparse.Namespace) -> dict[str, Any]:
    """Build what the flags ask for."""
    asked = {
        "source": args.source,
        "variables": dict(name_value("--var", given) for given in args.var),
        "inputs": {
            name: plain(value)
            for name, value in (name_value("--input", given) for given in args.input)
        },
        "jobs": args.job,
    }
    return {key: value for key, value in asked.items() if value}

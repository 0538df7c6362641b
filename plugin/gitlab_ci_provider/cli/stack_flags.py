"""Flags of the commands that may start the embedded stack."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlsplit

from gitlab_ci_provider.exceptions import StackError

if TYPE_CHECKING:
    from gitlab_ci_provider.local.home import Home
    from gitlab_ci_provider.local.stack.lifecycle import StackOptions


def add_stack_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how a stack is started."""
    from gitlab_ci_cluster.runtimes.choice import RuntimeName

    parser.add_argument("--port", type=_port, help="of the Airflow UI (default: 8080, or any free)")
    parser.add_argument(
        "--runtime",
        default="auto",
        choices=get_args(RuntimeName),
        help="how pods run here (default: auto, the best that works)",
    )


def stack_options(args: argparse.Namespace, idle_minutes: float | None = None) -> StackOptions:
    """Read them."""
    from gitlab_ci_provider.local.stack.lifecycle import StackOptions

    return StackOptions(port=args.port, runtime=args.runtime, idle_minutes=idle_minutes)


def check_port(home: Home, port: int | None) -> None:
    """Refuse a port when the stack runs on another one: it is chosen at the start.

    Raises:
        StackError: it does.
    """
    from gitlab_ci_provider.local.stack.state import read_state

    state = read_state(home)
    if port is not None and state is not None and urlsplit(state.url).port != port:
        message = (
            f"the stack runs already, at {state.url}: "
            f"`gitlab-dags down` first, or leave out --port {port}"
        )
        raise StackError(message)


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return number

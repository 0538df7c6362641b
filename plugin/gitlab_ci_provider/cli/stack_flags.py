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
    from gitlab_ci_cluster.runtimes.known import RuntimeName

    parser.add_argument(
        "--port", type=_port, help="port of the Airflow UI (default: 8080 if it is free)"
    )
    parser.add_argument(
        "--runtime",
        default="auto",
        choices=get_args(RuntimeName),
        help="how containers run (default: auto, in their images if Docker or Podman works, else "
        "as processes of this machine with the best isolation that works)",
    )


def stack_options(args: argparse.Namespace, idle_minutes: float | None = None) -> StackOptions:
    """Read them."""
    from gitlab_ci_provider.local.stack.lifecycle import StackOptions

    return StackOptions(port=args.port, runtime=args.runtime, idle_minutes=idle_minutes)


def check_stack(home: Home, args: argparse.Namespace) -> None:
    """Refuse a port or a runtime that a running stack does not have: they are chosen at its start.

    Raises:
        StackError: it has another one.
    """
    from gitlab_ci_provider.local.stack.state import read_runtime, read_state

    state = read_state(home)
    if state is None:
        return
    if args.port is not None and urlsplit(state.url).port != args.port:
        raise _other(f"at {state.url}", f"--port {args.port}")
    runtime = read_runtime(home)
    if runtime and not _meets(runtime, args.runtime):
        raise _other(f"with the runtime '{runtime}'", f"--runtime {args.runtime}")


def _meets(runtime: str, wanted: str) -> bool:
    from gitlab_ci_cluster.runtimes.known import PROCESSES

    return wanted in {"auto", runtime} or (wanted == "process" and runtime in PROCESSES)


def _other(how: str, flag: str) -> StackError:
    return StackError(
        f"the stack already runs {how}: stop it with `gitlab-dags down`, or leave out {flag}"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port number")
    return int(text)

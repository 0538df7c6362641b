"""`gitlab-dags up`, `status` and `down`: the embedded stack, kept running with its UI."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from gitlab_ci_provider.cli import output
from gitlab_ci_provider.cli.stack_flags import add_stack_flags, check_stack, stack_options
from gitlab_ci_provider.cli.usage import AlreadySaidError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitlab_ci_provider.discovery.sync import SyncResult
    from gitlab_ci_provider.local.home import Home
    from gitlab_ci_provider.local.stack.state import StackState


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the three commands."""
    up = commands.add_parser(
        "up",
        help="start the embedded stack and keep it running",
        description="Start the embedded stack (object store, Kubernetes cluster, Airflow) and keep "
        "it running until `gitlab-dags down`. The given repositories become DAGs in its UI.",
    )
    up.add_argument("paths", nargs="*", metavar="PATH_OR_URL", help="repositories that become DAGs")
    add_stack_flags(up)
    up.add_argument("--json", action="store_true", help="print the result as JSON")
    up.set_defaults(run=_up)
    status = commands.add_parser(
        "status",
        help="show the address of the embedded stack, and its repositories",
        description="Show the address and login of the embedded stack, and its repositories. "
        "Exit code 3 if it is not running.",
    )
    status.add_argument("--json", action="store_true", help="print the result as JSON")
    status.set_defaults(run=_status)
    down = commands.add_parser(
        "down",
        help="stop the embedded stack",
        description="Stop the embedded stack and the pipelines that run on it. Caches, artifacts "
        "and logs are kept.",
    )
    down.add_argument("--json", action="store_true", help="print the result as JSON")
    down.set_defaults(run=_down)


def _up(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.cli.configuration.formats import as_data
    from gitlab_ci_provider.cli.display.starting import read_while_starting
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.state import connect
    from gitlab_ci_provider.local.stack.use import attached
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state

    home = default_home()
    home.make()
    check_stack(home, args)
    options = stack_options(args, idle_minutes=0)
    snapshots = open_state(home_settings(home.data)).snapshots
    with attached(home):
        started = read_while_starting(home, options, lambda: _read(home, args.paths))
        state = started.stack
        api = connect(home, state, output.note)
        for synced in started.found:
            if synced.ok and synced.record is not None:
                dag = synced.record.dag_id
                shown = snapshots.shown(synced.record.digest)
                api.wait_for_dag(dag, shown=shown, file=home.dags / f"{dag}.py")
                if not args.json:
                    output.say(f"{synced.record.title}: {state.url}/dags/{dag}")
    if args.json:
        found = [as_data(one) for synced in started.found for one in synced.diagnostics]
        output.say_json({**_described(home, state, starting=False), "diagnostics": found})
    else:
        output.say(state.greeting)
        output.say(f"kubectl --kubeconfig {home.kubeconfig} get pods")
    return 0 if all(synced.ok for synced in started.found) else 1


def _read(home: Home, paths: Sequence[str]) -> list[SyncResult]:
    """Read repositories, and say what is wrong with them.

    Raises:
        AlreadySaidError: none can be read.
    """
    from gitlab_ci_provider.local.projects import add_project

    found = []
    for path in paths:
        found.append(add_project(home, path))
        output.diagnostics(found[-1].diagnostics, of=path if len(paths) > 1 else "")
    if found and all(synced.record is None for synced in found):
        raise AlreadySaidError("; ".join(str(one) for read in found for one in read.diagnostics))
    return found


def _status(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.state import is_running, read_state
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state

    home = default_home()
    state = read_state(home)
    if args.json:
        output.say_json(_described(home, state, starting=state is None and is_running(home)))
        return 0 if state else 3
    if state is None:
        output.say("starting" if is_running(home) else f"not running ({home.path})")
        return 3
    output.say(state.greeting)
    output.say(f"object store: {state.object_store}  kubeconfig: {home.kubeconfig}")
    snapshots = open_state(home_settings(home.data)).snapshots
    for name in snapshots.dags():
        record = snapshots.load_dag(name)
        broken = "" if record.digest else "  (does not compile)"
        output.say(f"{record.title} at {record.ref.name}: {state.url}/dags/{name}{broken}")
    return 0


def _described(home: Home, state: StackState | None, *, starting: bool) -> dict[str, Any]:
    """Describe the stack as data; the password is left out."""
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state

    snapshots = open_state(home_settings(home.data)).snapshots
    records = [snapshots.load_dag(name) for name in snapshots.dags()]
    return {
        "status": "starting" if starting else "running" if state else "stopped",
        "url": state.url if state else None,
        "home": str(home.path),
        "repositories": [
            {
                "title": record.title,
                "dag_id": record.dag_id,
                "ref": record.ref.name,
                "sha": record.ref.sha,
                "compiles": bool(record.digest),
            }
            for record in records
        ],
    }


def _down(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack.lifecycle import stop_stack

    home = default_home()
    stopped = stop_stack(home)
    if args.json:
        output.say_json({"status": "stopped", "was_running": stopped})
    else:
        output.say("stopped" if stopped else "no stack was running")
    return 0

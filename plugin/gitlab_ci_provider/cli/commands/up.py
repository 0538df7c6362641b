"""`gitlab-dags up`, `status` and `down`: the embedded stack, kept running with its UI."""

from __future__ import annotations

import argparse

from gitlab_ci_provider.cli import output


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the three commands."""
    up = commands.add_parser("up", help="start the embedded stack and keep it running")
    up.add_argument("paths", nargs="*", metavar="PATH_OR_URL", help="repositories to show as DAGs")
    up.add_argument("--port", type=int, help="of the Airflow UI (default: 8080, or any free)")
    up.add_argument("--runtime", default="auto", help="how pods run here (default: the best)")
    up.set_defaults(run=_up)
    commands.add_parser("status", help="show the stack").set_defaults(run=_status)
    commands.add_parser("down", help="stop the stack").set_defaults(run=_down)


def _up(args: argparse.Namespace) -> int:
    from gitlab_ci_provider.local.api import AirflowApi
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.projects import add_project
    from gitlab_ci_provider.local.stack import StackOptions, start_stack

    home = default_home()
    home.make()
    synced = [add_project(home, path) for path in args.paths]
    state = start_stack(home, StackOptions(port=args.port, runtime=args.runtime))
    api = AirflowApi(state.access)
    for one in synced:
        output.diagnostics(one.diagnostics)
        if one.ok and one.record is not None:
            api.wait_for_dag(one.record.dag_id, one.record.digest)
            output.say(f"{one.record.title}: {state.url}/dags/{one.record.dag_id}")
    output.say(f"Airflow: {state.url}  login: {state.user} / {state.password}")
    output.say(f"kubectl --kubeconfig {home.kubeconfig} get pods")
    return 0 if all(one.ok for one in synced) else 1


def _status(_args: argparse.Namespace) -> int:
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.state import is_running, read_state
    from gitlab_ci_provider.snapshots.store import SnapshotStore

    home = default_home()
    state = read_state(home)
    if state is None:
        output.say("starting" if is_running(home) else f"not running ({home.path})")
        return 3
    output.say(f"Airflow: {state.url}  login: {state.user} / {state.password}")
    output.say(f"object store: {state.object_store}  kubeconfig: {home.kubeconfig}")
    store = SnapshotStore(home.data / "snapshots")
    for name in store.dags():
        record = store.load_dag(name)
        broken = "" if record.digest else "  (does not compile)"
        output.say(f"{record.title} at {record.ref.name}: {state.url}/dags/{name}{broken}")
    return 0


def _down(_args: argparse.Namespace) -> int:
    from gitlab_ci_provider.local.home import default_home
    from gitlab_ci_provider.local.stack import stop_stack

    home = default_home()
    output.say("stopped" if stop_stack(home) else "no stack was running")
    return 0

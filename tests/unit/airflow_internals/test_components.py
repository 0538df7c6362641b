"""What the embedded Airflow replaces still calls and keeps what the replacements rely on."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap

import pytest

from gitlab_ci_provider.airflow_internals import components, startup
from gitlab_ci_provider.local.airflow.dag_processor import WakefulManager
from gitlab_ci_provider.local.airflow.executor import EmbeddedExecutor
from gitlab_ci_provider.local.airflow.task_watch import NoticingSubprocess
from gitlab_ci_provider.local.airflow.triggerer import WakefulRunner, WakefulSupervisor
from unit.airflow_internals.contracts import contract

# Airflow's API imports Starlette's test client, which warns of the library that it has.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with")

REPLACEMENTS = [
    (components.LocalExecutor, EmbeddedExecutor),
    (components.DagFileProcessorManager, WakefulManager),
    (components.TriggerRunner, WakefulRunner),
    (components.TriggerRunnerSupervisor, WakefulSupervisor),
    (components.ActivitySubprocess, NoticingSubprocess),
]


def _attributes(function: object) -> set[str]:
    """Name the attributes of `self` that a function uses."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {
        node.attr for node in found if isinstance(node.value, ast.Name) and node.value.id == "self"
    }


@pytest.mark.parametrize(("airflows", "ours"), REPLACEMENTS)
def test_what_a_replacement_overrides_is_there(airflows: type, ours: type):
    """A method that Airflow no longer has, or calls with other arguments, would never be used."""
    overridden = [
        name for name in vars(ours) if callable(vars(ours)[name]) and hasattr(airflows, name)
    ]

    with contract(f"{airflows.__name__}: {', '.join(overridden)}", ours.__name__):
        for name in set(overridden) - {"__init__"}:
            theirs = [*inspect.signature(getattr(airflows, name)).parameters]
            assert [*inspect.signature(getattr(ours, name)).parameters] == theirs


@pytest.mark.parametrize(("airflows", "ours"), REPLACEMENTS)
def test_what_a_replacement_uses_is_there(airflows: type, ours: type):
    """Each attribute of `self` is the replacement's own or one of Airflow's class."""
    used = _attributes(ours)
    own = {name for name in used if name in vars(ours) or name in _set_in_init(ours)}
    theirs = set(dir(airflows)) | set().union(*map(_names, inspect.getmro(airflows)[:-1]))

    with contract(f"{airflows.__name__}: attributes", ours.__name__):
        assert used - own <= theirs, f"gone: {sorted(used - own - theirs)}"


def _set_in_init(kind: type) -> set[str]:
    return _attributes(kind.__init__)  # type: ignore[misc]


def _names(kind: type) -> set[str]:
    try:
        return set(getattr(kind, "__annotations__", {})) | _attributes(kind)
    except (OSError, TypeError):  # written in C
        return set()


def test_airflows_triggerer_turns_as_ours_does():
    """`WakefulSupervisor.run_once` is Airflow's own with another wait in its middle."""
    with contract("TriggerRunnerSupervisor.run_once", "the triggerer of the embedded stack"):
        theirs = _calls(components.TriggerRunnerSupervisor.run_once)
        ours = _calls(WakefulSupervisor.run_once)
        assert [name for name in ours if name != "wait"] == [
            name for name in theirs if name != "_service_subprocess"
        ]


def test_airflows_triggers_pause_where_ours_do():
    """Of anyio, the loop of the triggers uses the pause of a second and an event, nothing else."""
    from airflow.jobs import triggerer_job_runner

    with contract("TriggerRunner.arun, triggerer_job_runner.anyio", "the embedded stack"):
        source = inspect.getsource(triggerer_job_runner)
        assert set(re.findall(r"\banyio\.(\w+)", source)) == {"Event", "move_on_after"}
        assert "with anyio.move_on_after(1):" in inspect.getsource(components.TriggerRunner.arun)
        source = inspect.getsource(components.TriggerRunnerSupervisor.start)
        assert "target=cls.run_in_process" in source


def _calls(function: object) -> list[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call.attr for call in calls if isinstance(call, ast.Attribute)]


def test_the_dag_processor_waits_where_ours_does():
    """Between two looks at the files, Airflow's manager does nothing but listen to parsers."""
    with contract("DagFileProcessorManager._service_processor_sockets", "the DAG processor"):
        assert "_service_processor_sockets" in _calls(
            components.DagFileProcessorManager._run_parsing_loop
        )


def test_a_workload_runs_as_in_airflows_own_worker():
    """The executor's worker calls what Airflow's calls, with the same arguments."""
    with contract("BaseExecutor.run_workload, get_execution_api_server_url", "every task"):
        inspect.signature(components.BaseExecutor.run_workload).bind(
            object(), server="", proctitle="", subprocess_logs_to_stdout=True
        )
        inspect.signature(components.get_execution_api_server_url).bind(object())


def test_commands_find_the_replacements(monkeypatch: pytest.MonkeyPatch):
    """`airflow dag-processor` and `triggerer` look the class up in their module when they run."""
    from airflow.cli.commands import dag_processor_command
    from airflow.jobs import triggerer_job_runner

    with contract("DagFileProcessorManager, TriggerRunnerSupervisor: module names", "the stack"):
        for module, name in (
            (dag_processor_command, "DagFileProcessorManager"),
            (triggerer_job_runner, "TriggerRunnerSupervisor"),
        ):
            monkeypatch.setattr(module, name, getattr(module, name))  # put back after the test
            assert name in inspect.getsource(module)
        components.use_dag_processor(WakefulManager)
        components.use_triggerer(WakefulSupervisor)
        assert dag_processor_command.DagFileProcessorManager is WakefulManager
        assert triggerer_job_runner.TriggerRunnerSupervisor is WakefulSupervisor


def test_workers_look_the_watch_up_when_a_task_begins(monkeypatch: pytest.MonkeyPatch):
    """Whoever starts a task takes the class that the module names then, not one kept earlier."""
    from airflow.sdk.execution_time import coordinator, supervisor

    with contract("sdk.execution_time.supervisor.ActivitySubprocess", "each task"):
        monkeypatch.setattr(supervisor, "ActivitySubprocess", supervisor.ActivitySubprocess)
        assert "execute_task(" in inspect.getsource(supervisor.supervise_task)
        start = inspect.getsource(coordinator._PythonCoordinator.execute_task)
        assert "from airflow.sdk.execution_time.supervisor import ActivitySubprocess" in start
        components.use_task_watch(NoticingSubprocess)
        assert supervisor.ActivitySubprocess is NoticingSubprocess


def test_the_audit_log_is_made_by_a_factory(monkeypatch: pytest.MonkeyPatch):
    """`action_logging` is called for each route, when Airflow makes its application."""
    from airflow.api_fastapi.logging import decorators

    with contract("api_fastapi.logging.decorators.action_logging", "the API server on SQLite"):
        monkeypatch.setattr(decorators, "action_logging", decorators.action_logging)
        inspect.signature(decorators.action_logging).bind(event="trigger_dag_run")
        inner = inspect.signature(decorators.action_logging("trigger_dag_run"), eval_str=True)
        assert list(inner.parameters) == ["request", "session", "user"]
        startup.wrap_audit_log(lambda factory: ("wrapped", factory))
        assert decorators.action_logging[0] == "wrapped"


@pytest.mark.parametrize("module", startup.MODULES)
def test_what_is_imported_once_is_there(module: str):
    """A component would else import it when it starts, each one again."""
    with contract(module, "the start of the embedded stack"):
        __import__(module)


def test_the_execution_api_has_versions_that_can_be_left_out():
    """Making the routes of each old version takes as long as importing Airflow."""
    from airflow.api_fastapi.execution_api import versions
    from airflow.api_fastapi.execution_api.routes import execution_api_router
    from cadwyn import HeadVersion, Version, VersionBundle
    from cadwyn.route_generation import _DELETED_ROUTE_TAG

    with contract("cadwyn, execution_api.versions.bundle", "the start of the API server"):
        newest = versions.bundle.versions[0].value
        assert newest == max(version.value for version in versions.bundle.versions)
        assert VersionBundle(HeadVersion(), Version(newest)).versions
        assert isinstance(_DELETED_ROUTE_TAG, str)
        assert isinstance(execution_api_router.routes, list)


def test_airflows_program_is_a_function():
    """Components run in processes that have everything imported."""
    with contract("airflow.__main__.main, cached_app", "the embedded stack"):
        from airflow.__main__ import main
        from airflow.api_fastapi.app import cached_app

        inspect.signature(main).bind()
        inspect.signature(cached_app).bind(apps="all")

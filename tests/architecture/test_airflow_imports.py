"""Only `airflow_internals` knows what Airflow and its providers do not make public."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import airflow.sdk
import pytest

PLUGIN = Path(__file__).parents[2] / "plugin"
INTERNALS = PLUGIN / "gitlab_ci_provider" / "airflow_internals"

PUBLIC = {
    # What `airflow.sdk` exports is its public interface: docs, "Public Interface of Airflow".
    "airflow.sdk": set(airflow.sdk.__all__),
    "airflow.sdk.exceptions": {
        "AirflowException",
        "AirflowFailException",
        "AirflowNotFoundException",
        "AirflowSkipException",
        "AirflowTaskTimeout",
    },
    "airflow.sdk.log": {"mask_secret"},
    "airflow.sdk.plugins_manager": {"AirflowPlugin"},
    "airflow.configuration": {"AIRFLOW_HOME", "conf"},
    "airflow.listeners": {"hookimpl"},
    # Administrators may write bundles of their own: docs, "Dag Bundles".
    "airflow.dag_processing.bundles.base": {"BaseDagBundle", "BundleVersion"},
    # So they may timetables: docs, "Customizing Dag Scheduling with Timetables".
    "airflow.timetables.base": {"DagRunInfo", "DataInterval", "TimeRestriction", "Timetable"},
    "airflow.timetables.trigger": {"CronTriggerTimetable"},
    # `TaskSuccessEvent`: docs, "Exiting deferred task from Triggers".
    "airflow.triggers.base": {"BaseTrigger", "TaskSuccessEvent", "TriggerEvent"},
    "airflow.providers.amazon.aws.hooks.s3": {"S3Hook"},
    "airflow.providers.cncf.kubernetes.hooks.kubernetes": {"AsyncKubernetesHook", "KubernetesHook"},
    "airflow.providers.cncf.kubernetes.operators.pod": {"KubernetesPodOperator"},
    # The default of `[celery] celery_config_options`, which the provider's documentation names.
    "airflow.providers.celery.executors.default_celery": {"DEFAULT_CELERY_CONFIG"},
    "airflow.providers.hashicorp.hooks.vault": {"VaultHook"},
    "airflow.providers.standard.operators.empty": {"EmptyOperator"},
    "airflow.providers.standard.triggers.temporal": {"TimeDeltaTrigger"},
}
"""What any module may import, by module."""

FOREIGN = {"cadwyn", "structlog"}
"""Libraries that Airflow brings and configures, and may replace."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MODULE = re.compile(r"airflow(\.\w+)+")
FILES = sorted(path for path in PLUGIN.rglob("*.py") if INTERNALS not in path.parents)


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """List module and name of each import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def _is_internal(module: str, name: str) -> bool:
    root = module.partition(".")[0]
    return root in FOREIGN or (root == "airflow" and name not in PUBLIC.get(module, ()))


def _strings(tree: ast.AST) -> Iterator[str]:
    """List the texts that could be the names of modules: `import_module` takes them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _private(tree: ast.Module) -> Iterator[str]:
    """List private attributes of `self` that neither this class nor its bases here define."""
    airflows = {name for module, name in _imports(tree) if module.startswith("airflow")}
    for kind in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        if not airflows & {base.id for base in kind.bases if isinstance(base, ast.Name)}:
            continue
        used = [node for node in ast.walk(kind) if isinstance(node, ast.Attribute)]
        own = {node.attr for node in used if isinstance(node.ctx, ast.Store)}
        own |= {node.name for node in ast.walk(kind) if isinstance(node, FUNCTIONS)}
        named = (node for node in used if isinstance(node.value, ast.Name))
        ours = (node.attr for node in named if node.value.id == "self")  # type: ignore[attr-defined]
        yield from (name for name in ours if re.match("_(?!_)", name) and name not in own)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLUGIN)))
def test_only_one_place_imports_internals_of_airflow(path: Path):
    """A new Airflow may change what is not public: then one package is to be mended."""
    tree = ast.parse(path.read_text())
    internal = [f"{module}.{name}" for module, name in _imports(tree) if _is_internal(module, name)]
    internal += [text for text in _strings(tree) if MODULE.fullmatch(text) and "." in text[8:]]
    internal += [f"self.{name}" for name in _private(tree)]

    assert not internal, "move it to gitlab_ci_provider.airflow_internals, with a contract test"


@pytest.mark.parametrize(
    "code",
    [
        "from airflow.models import DagRun",
        "import airflow.settings",
        "from airflow.sdk.execution_time.comms import TriggerDagRun",
        "from airflow.sdk.exceptions import AirflowRuntimeError",
        "def late():\n    from airflow.utils.session import create_session",
        "import structlog",
    ],
)
def test_an_internal_import_is_seen(code: str):
    """The test above would find it."""
    assert any(_is_internal(*found) for found in _imports(ast.parse(code)))


def test_a_private_attribute_of_an_operator_is_seen():
    """A subclass can reach what an import does not name."""
    code = (
        "from airflow.sdk import BaseOperator\n"
        "class Ours(BaseOperator):\n"
        "    def execute(self, context):\n"
        "        self._mine()\n"
        "        return self._theirs\n"
        "    def _mine(self): ...\n"
    )

    assert list(_private(ast.parse(code))) == ["_theirs"]

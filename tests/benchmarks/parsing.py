"""What Airflow's DAG processor pays for a pipeline, next to the same DAG of plain operators.

    PYTHONPATH=tests .venv/bin/python -m benchmarks.parsing [--projects 1000] [--files 20]

The DAG processor forks a process for each file, which reads the file, makes the DAG and serializes
it; this does the same with Airflow's own function, in turn with a file of PythonOperators of the
same shape. Seconds are processor time of the process that was forked. Then the DAG bundle copies
all projects into an empty folder, and looks again when none has changed.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

JOBS = 30
_STAGES = ("build", "test", "deploy")
_CONFIG = "".join(
    f"job{number}: {{stage: {_STAGES[number // 10]}, script: make}}\n" for number in range(JOBS)
)
_PLAIN = f"""
import airflow.providers.standard.operators.python

from airflow.sdk import DAG, TaskGroup
from airflow.providers.standard.operators.python import PythonOperator

def nothing():
    pass

with DAG("plain", schedule=None) as dag:
    first = PythonOperator(task_id="first", python_callable=nothing)
    last = PythonOperator(task_id="last", python_callable=nothing)
    before = [first]
    for stage in {_STAGES}:
        with TaskGroup(stage, prefix_group_id=False):
            jobs = [PythonOperator(task_id=f"{{stage}}{{number}}", python_callable=nothing)
                    for number in range(10)]
        for one in before:
            one >> jobs
        before = jobs
    [first, *before] >> last
"""


def main() -> None:
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--files", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["AIRFLOW__GITLAB_CI__HOME"] = str(folder / "home")
        os.environ["AIRFLOW_HOME"] = name
        os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH"] = str(folder / "bundles")
        _fill(folder, given.projects)
        dags = _refreshed()
        plain = folder / "plain.py"
        plain.write_text(_PLAIN)
        _compare(plain, next(dags.glob("*.py")), given.files)


def _fill(folder: Path, count: int) -> None:
    """Give the state a number of projects with the same pipeline."""
    from gitlab_ci_provider.discovery.sync import Sync
    from gitlab_ci_provider.settings import home_settings
    from gitlab_ci_provider.state import open_state
    from servers.repositories import make_repository

    make_repository(folder / "app", {".gitlab-ci.yml": _CONFIG})
    settings = home_settings(folder / "home")
    state = open_state(settings)
    record = Sync(state, settings.mirrors).one(str(folder / "app")).record
    assert record is not None
    for number in range(1, count):
        path = f"group/p{number}"
        project = replace(record.project, path=path)
        made = replace(record, dag_id=path.replace("/", "__"), project=project, title=path)
        state.holds.replace(made)


def _refreshed() -> Path:
    """Measure what a refresh of the bundle costs the DAG processor; return the folder of DAGs."""
    _import()
    from gitlab_ci_provider.bundles.state import StateDagBundle

    bundle = StateDagBundle(name="bench")
    bundle.initialize()
    print("| Refresh of the bundle | CPU s | Memory of the DAG processor, MB |")
    print("| --- | --- | --- |")
    print(f"| before | | {_memory():.0f} |")
    for what in ("all are new", "nothing has changed"):
        began = time.process_time()
        bundle.refresh()
        used = time.process_time() - began
        count = len([*bundle.path.glob("*.py")])
        print(f"| {count} projects, {what} | {used:.2f} | {_memory():.0f} |")
    print()
    return bundle.path


def _import() -> None:
    """Import what the DAG processor has imported before it reads files, plugins among it."""
    import airflow.dag_processing.manager
    import airflow.providers.cncf.kubernetes.operators.pod
    import airflow.providers.standard.operators.python  # noqa: F401 - imported for its effect
    from airflow.listeners.listener import get_listener_manager

    get_listener_manager()


def _memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _compare(plain: Path, ours: Path, files: int) -> None:
    found: dict[Path, list[tuple[float, float]]] = {plain: [], ours: []}
    for _ in range(files):
        for path, measured in found.items():
            measured.append(_forked(partial(_parse, path)))
    print("| File of 30 jobs | CPU s: median (least) | Memory of its process, MB | Ratio |")
    print("| --- | --- | --- | --- |")
    base = statistics.median(cpu for cpu, _ in found[plain])
    for name, path in (("plain operators", plain), ("a pipeline", ours)):
        cpu = [used for used, _ in found[path]]
        memory = statistics.median(kept for _, kept in found[path])
        middle = statistics.median(cpu)
        print(f"| {name} | {middle:.3f} ({min(cpu):.3f}) | {memory:.0f} | {middle / base:.2f} |")


def _parse(path: Path) -> None:
    import structlog
    from airflow.dag_processing.processor import DagFileParseRequest, _parse_file

    request = DagFileParseRequest(file=str(path), bundle_path=path.parent, bundle_name="bench")
    result = _parse_file(request, structlog.get_logger())
    assert result is not None
    assert len(result.serialized_dags) == 1, result.import_errors


def _forked(work: Callable[[], None]) -> tuple[float, float]:
    """Do something in a forked process; return its processor time, and its memory in MB."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status, used = os.wait4(pid, 0)
    assert status == 0, "the file cannot be read"
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""One small DAG file for each DAG: a task that parses it loads only its own pipeline.

Airflow's DAG processor forks a process for each file. Before that, it imports the modules of
Airflow which the file's own first level names; so a file names the one that takes long.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.records.folder import write_whole
from gitlab_ci_provider.snapshots.store import SnapshotStore

_OURS = "written by `gitlab-dags`; do not edit."
_TEXT = f'''"""The Airflow DAG of {{path}}, {_OURS}

Pipeline {{digest}}
"""

import airflow.providers.cncf.kubernetes.operators.pod  # once, before files are parsed

from gitlab_ci_provider.renderer.load import load_dag

dag = load_dag("{{dag}}")
'''


def publish(record: DagRecord, folder: Path | None) -> None:
    """Let Airflow see a DAG whose record is stored.

    The folder holds one file for each DAG; None where `dags/gitlab_ci.py` shows all of them.
    """
    if folder is not None and record.digest:
        write_dag_file(record, folder)


def write_dag_files(store: SnapshotStore, folder: Path) -> None:
    """Write one file for each DAG that has a pipeline, and remove our other files.

    Files that somebody else has put into the folder stay.
    """
    records = [store.load_dag(name) for name in store.dags()]
    wanted = [record for record in records if record.digest]
    names = {f"{record.dag_id}.py" for record in wanted}
    for path in folder.glob("*.py"):
        if path.name not in names and not store.has_dag(path.stem) and _is_ours(path):
            path.unlink(missing_ok=True)
    for record in wanted:
        write_dag_file(record, folder)


def write_dag_file(record: DagRecord, folder: Path) -> None:
    """Write the file of one DAG."""
    text = _TEXT.format(path=record.project.path, dag=record.dag_id, digest=record.digest)
    path = folder / f"{record.dag_id}.py"
    if not path.exists() or path.read_text() != text:
        write_whole(path, text.encode())


def remove_dag_file(dag: str, folder: Path) -> None:
    """Remove the file of one DAG, unless somebody else has written it."""
    path = folder / f"{dag}.py"
    if _is_ours(path):
        path.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    with suppress(OSError), path.open(errors="replace") as file:
        return _OURS in file.readline()
    return False

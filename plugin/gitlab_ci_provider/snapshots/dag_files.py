"""One small DAG file a DAG: a task that parses it loads its own pipeline and no other."""

from __future__ import annotations

from pathlib import Path

from gitlab_ci_provider.snapshots.store import ProjectRecord, SnapshotStore

_TEXT = '''"""The Airflow DAG of {path}, written by `gitlab-dags`; do not edit.

Pipeline {digest}
"""

from gitlab_ci_provider.renderer.load import load_dag

dag = load_dag("{dag}")
'''


def write_dag_files(store: SnapshotStore, folder: Path) -> None:
    """Make the folder hold one file for each project that has a pipeline, and no other of ours."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{name}.py": _text(store, name) for name in store.projects()}
    texts = {name: text for name, text in wanted.items() if text}
    for path in folder.glob("*.py"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        _write(folder / name, text)


def write_dag_file(record: ProjectRecord, folder: Path) -> None:
    """Make the folder hold the file of one DAG."""
    _write(folder / f"{record.dag_name}.py", _of_record(record))


def _text(store: SnapshotStore, name: str) -> str:
    record = store.load_project(name)
    return _of_record(record) if record.digest else ""


def _of_record(record: ProjectRecord) -> str:
    path, name = record.project.path, record.dag_name
    return _TEXT.format(path=path, dag=name, digest=record.digest)


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(path)

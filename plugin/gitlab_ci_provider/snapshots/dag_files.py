"""One small DAG file for each DAG: a task that parses it loads only its own pipeline.

Airflow's DAG processor forks a process for each file. Before that, it imports the modules of
Airflow which the file's own first level names; so a file names the one that takes long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.pipeline_schedule import PipelineSchedule
from gitlab_ci_provider.model.serialization import digest, encode
from gitlab_ci_provider.records.folder import write_whole
from gitlab_ci_provider.snapshots.store import SnapshotStore

_OURS = "written by `gitlab-dags`; do not edit."
_TEXT = f'''"""The Airflow DAG of {{path}}, {_OURS}

Pipeline {{digest}}{{schedules}}
"""

import airflow.providers.cncf.kubernetes.operators.pod  # once, before files are parsed

from gitlab_ci_provider.renderer.load import load_dag

dag = load_dag({{dag}})
'''

_MOMENT = re.compile(r'^dag = load_dag\("[^"]*", "([^"]+)"\)$', re.MULTILINE)
_PROBLEMS = "problems"
_PROBLEM_TEXT = f'''"""Why Airflow shows an older DAG of {{path}}, or none; {_OURS}

State {{digest}}
"""

from gitlab_ci_provider.renderer.problems import problems_of

raise problems_of("{{dag}}")
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


def write_dag_file(record: DagRecord, folder: Path, moment: str = "") -> None:
    """Write the file of one DAG, or of what it showed since a moment; without a pipeline, none."""
    named = f'"{record.dag_id}", "{moment}"' if moment else f'"{record.dag_id}"'
    text = _TEXT.format(
        path=_harmless(record.project.path),
        dag=named,
        digest=_harmless(record.digest),
        schedules=_told(record.schedules),
    )
    _write(folder / f"{record.dag_id}.py", text if record.digest else "")


def moment_in(dag: str, folder: Path) -> str:
    """Return since when a DAG showed what its file in a folder shows; empty if it says nothing."""
    with suppress(OSError):
        found = _MOMENT.search((folder / f"{dag}.py").read_text(errors="replace"))
        return found[1] if found else ""
    return ""


def write_problem_file(record: DagRecord, folder: Path) -> None:
    """Write a file that Airflow shows as an import error if the last commit does not compile.

    It is another file than the DAG's, so that Airflow keeps the DAG of the last one that did.
    """
    state = digest("\n".join(map(str, record.errors)).encode())
    path = _harmless(record.project.path)
    text = _PROBLEM_TEXT.format(path=path, dag=record.dag_id, digest=state)
    _write(folder / _PROBLEMS / f"{record.dag_id}.py", text if record.errors else "")


def remove_dag_file(dag: str, folder: Path) -> None:
    """Remove the files of one DAG, unless somebody else has written them."""
    for path in (folder / f"{dag}.py", folder / _PROBLEMS / f"{dag}.py"):
        if _is_ours(path):
            path.unlink(missing_ok=True)


def dag_names(folder: Path) -> list[str]:
    """List the DAGs that have files in a folder."""
    files = (*folder.glob("*.py"), *folder.glob(f"{_PROBLEMS}/*.py"))
    return sorted({path.stem for path in files})


def _write(path: Path, text: str) -> None:
    if not text:
        if _is_ours(path):
            path.unlink(missing_ok=True)
    elif not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())


def _told(schedules: Sequence[PipelineSchedule]) -> str:
    """Word schedules, so that Airflow reads a file again when nothing but they has changed."""
    return f", schedules {digest(encode(schedules))[:16]}" if schedules else ""


def _harmless(path: str) -> str:
    """Return a text that a server or the state may have as text of a program."""
    return re.sub(r"[^A-Za-z0-9_./-]", "-", path)


def _is_ours(path: Path) -> bool:
    with suppress(OSError), path.open(errors="replace") as file:
        return _OURS in file.readline()
    return False

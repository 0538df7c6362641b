"""What Airflow shows as the import error of a project whose last commit has no pipeline.

An exception in a DAG file is the only way to show something there, so that is what this makes.
"""

from __future__ import annotations

from gitlab_ci_provider.exceptions import ConfigError
from gitlab_ci_provider.model.dag_record import DagRecord
from gitlab_ci_provider.model.diagnostic import Diagnostic
from gitlab_ci_provider.settings import load_settings
from gitlab_ci_provider.state import open_copies

_SHOWN = 20


def problems_of(name: str) -> ConfigError:
    """Make the error of a DAG, to be raised by its file.

    Raises:
        StateError: it was not copied to this machine.
    """
    return ConfigError(words_of(open_copies(load_settings()).load_dag(name)))


def words_of(record: DagRecord) -> str:
    """Say what is wrong, with file and line, and what that means for the DAG."""
    errors = record.errors
    shown = [line for found in errors[:_SHOWN] for line in _lines(found)]
    more = [f"... and {len(errors) - _SHOWN} more"] if len(errors) > _SHOWN else []
    commit = f" at {record.ref.sha[:8]}" if record.ref.sha else ""
    dag = (
        f"The DAG {record.dag_id} stays that of the last commit without errors."
        if record.digest
        else f"There is no DAG {record.dag_id} until this is corrected."
    )
    return "\n".join((f"{record.project.path}, {record.ref.name}{commit}:", *shown, *more, dag))


def _lines(found: Diagnostic) -> list[str]:
    return [str(found), f"    {found.hint}"] if found.hint else [str(found)]
